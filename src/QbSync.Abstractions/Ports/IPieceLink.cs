using QbSync.Outcomes;
using QbSync.Pieces;

namespace QbSync.Ports;

/// <summary>
/// One piece on its way: where its bytes come from. Owned by who made it until <see cref="IPieceLink.SendAsync"/> is called; the link disposes it
/// exactly once, when it needs the bytes no more. Calls come one at a time, from any thread.
/// </summary>
public interface IChunkSource : IDisposable
{
    /// <summary>The piece.</summary>
    PieceRef Piece { get; }

    /// <summary>Epoch of the destination's session that it is for.</summary>
    ulong Epoch { get; }

    /// <summary>The attempt's number; rises with each attempt of this process.</summary>
    long Attempt { get; }

    /// <summary>What crosses, in order: ranges of the piece (offset, length) without pads. At least one.</summary>
    IReadOnlyList<(int Offset, int Length)> Ranges { get; }

    /// <summary>Copies bytes of the piece; false when they are no longer what was verified: the attempt is then cancelled.</summary>
    bool TryFill(int offset, Span<byte> destination);
}

/// <summary>How a hand-over ended.</summary>
public enum SendOutcome
{
    /// <summary>The last chunk was taken; an ack or a loss follows by the sink, exactly once.</summary>
    Sent = 0,

    /// <summary>Not sent whole; nothing follows by the sink. The source's bytes had changed.</summary>
    Cancelled = 1,

    /// <summary>Not sent whole, the stream or the link was lost; nothing follows by the sink.</summary>
    Lost = 2,
}

/// <summary>Why an attempt that was handed over will not be answered.</summary>
public enum PieceLossCause
{
    /// <summary>Its stream or connection ended.</summary>
    StreamLost = 0,

    /// <summary>No progress and no ack for the piece timeout.</summary>
    Stale = 1,

    /// <summary>The link was closed by us.</summary>
    Closed = 2,
}

/// <summary>An open way to send pieces to one destination: a pool of streams over connections that reconnects by itself. Thread-safe.</summary>
public interface IPieceLink : IAsyncDisposable
{
    /// <summary>
    /// Hands a piece over chunk by chunk, waiting for windows, rate and streams. Ends when the last chunk was taken, not at the ack. The answer comes
    /// by <see cref="IPieceLinkSink.OnAck"/> or <see cref="IPieceLinkSink.OnLost"/>, maybe before this returns.
    /// </summary>
    ValueTask<SendOutcome> SendAsync(IChunkSource source, CancellationToken cancellationToken);

    /// <summary>Streams that can take pieces now.</summary>
    int OpenStreams { get; }

    /// <summary>Bytes a second over all streams, resent ones too; 0 = no limit. In force with the next chunk.</summary>
    void SetRateLimit(long bytesPerSecond);

    /// <summary>Whether new connections may be made. While they may not, open streams go on and nothing else dials.</summary>
    void SetDialing(bool allowed)
    {
        // A link that makes no connections has nothing to hold.
    }

    /// <summary>
    /// What was not answered by now is lost, with <see cref="PieceLossCause.Closed"/>. For who closes the link and cannot wait until it has given up
    /// by itself; called then, and by nobody else.
    /// </summary>
    void GiveUp()
    {
        // A link that answers at once has nothing on its way.
    }
}

/// <summary>Where a link reports. Calls come from the link's own tasks, must not block and must not throw.</summary>
public interface IPieceLinkSink
{
    /// <summary>The destination's answer for an attempt. A late success for an attempt that was lost comes here, too.</summary>
    void OnAck(in PieceAck ack);

    /// <summary>An attempt will not be answered; its piece is due again.</summary>
    void OnLost(PieceRef piece, long attempt, PieceLossCause cause);

    /// <summary>The link has at least one open stream, or has none any more.</summary>
    void OnLinkChanged(bool connected);

    /// <summary>No stream was open, and the attempt to open one failed.</summary>
    /// <param name="elapsed">How long ago that attempt began.</param>
    void OnConnectFailed(TimeSpan elapsed)
    {
        // Who does not count failures needs not know.
    }
}
