using QbSync.Transport.Client.Sending;
using QbSync.Transport.Congestion;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Client.Pooling;

/// <summary>
/// A stream as the pool sees it: its window, its pieces in flight, whether it may be chosen. All of it is guarded by the pool's gate, but
/// <see cref="Frame"/> and <see cref="Writer"/>, which belong to who rented the stream.
/// </summary>
internal sealed class PooledStream(int slot, IFrameWriter writer, int maxChunk)
{
    /// <summary>The connection's slot, the value of the label <c>connection</c>.</summary>
    public int Slot => slot;

    public IFrameWriter Writer => writer;

    /// <summary>Largest payload of a chunk that the peer takes.</summary>
    public int MaxChunk => maxChunk;

    /// <summary>How long the peer may take to answer a piece that it has whole.</summary>
    public TimeSpan AnswerWithin { get; init; }

    /// <summary>The one frame that all chunks of the stream are written with.</summary>
    public OutgoingFrame Frame { get; } = new();

    /// <summary>Its window, given by the link's model when the pool takes it in.</summary>
    public CongestionWindow Window { get; set; } = null!;

    public InFlightPieces Pieces { get; } = new();

    /// <summary>Where its sender waits for room.</summary>
    public RoomSignal Room { get; } = new();

    /// <summary>Its place in the line of those that wait for room, made once so that waiting allocates nothing.</summary>
    public LinkedListNode<PooledStream> Place => field ??= new LinkedListNode<PooledStream>(this);

    /// <summary>Payload that its sender waits to hand over.</summary>
    public int Wanted { get; set; }

    /// <summary>Payload that its sender was promised, 0 when none.</summary>
    public int Promised { get; set; }

    /// <summary>A sender has it.</summary>
    public bool IsRented { get; set; }

    /// <summary>Not to be chosen any more.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Set while it drains: ends when nothing of it is in flight any more.</summary>
    public TaskCompletionSource? Drained { get; set; }

    public bool IsEnded { get; set; }

    /// <summary>When the chunk was handed over that is not taken yet.</summary>
    public TimeSpan? WritingSince { get; set; }

    /// <summary>When a chunk was taken or a report advanced.</summary>
    public TimeSpan MovedAt { get; set; }

    /// <summary>When TCP had much acknowledged last, which is progress of what is written and not reported yet.</summary>
    public TimeSpan TcpMovedAt { get; set; }

    /// <summary>The <see cref="MovedAt"/> that <see cref="TcpUntil"/> belongs to.</summary>
    public TimeSpan? TcpMark { get; set; }

    /// <summary>Bytes that the peer's TCP has acknowledged when nothing of this stream can be among what it acknowledges next; null where TCP does not tell.</summary>
    public long? TcpUntil { get; set; }

    /// <summary>What its sender waits for.</summary>
    public SendHold Hold { get; set; }

    /// <summary>Its sender waits, and the window may not grow.</summary>
    public bool IsAtMost { get; set; }

    /// <summary>Length of the piece begun last, which the window is shown in.</summary>
    public int PieceLength { get; set; } = 1024 * 1024;
}

/// <summary>Takes frames for a stream, one at a time.</summary>
internal interface IFrameWriter
{
    /// <summary>Ends when the frame was taken; false when the stream has ended. Does not throw.</summary>
    ValueTask<bool> WriteAsync(OutgoingFrame frame);

    /// <summary>Ends the stream, if it has not ended before.</summary>
    void End(StreamEnd cause);

    /// <summary>Sends a sign of life. The writer owns the stream's rent until it is taken.</summary>
    void Ping();

    /// <summary>Tells how far the stream's credit goes from now on. The writer owns the stream's rent until it is taken.</summary>
    void ReturnCredit(long limit);
}
