using QbSync.Transport.Wire;

namespace QbSync.Transport.Server;

/// <summary>
/// What one stream has brought of one torrent, in order: the unit of work, which one worker at a time has. Its numbers belong to the gate of
/// <see cref="WriteWorkers"/>.
/// </summary>
internal sealed class FrameLane(FrameQueue stream, TorrentQueue torrent)
{
    public FrameQueue Stream => stream;

    public TorrentQueue Torrent => torrent;

    /// <summary>What waits; an entry without a frame gives its transfer up.</summary>
    public Queue<(PieceAttempt Attempt, IncomingFrame? Frame)> Waiting { get; } = [];

    /// <summary>Transfers that are not ended.</summary>
    public int Attempts { get; set; }

    /// <summary>Transfers that the intake holds open. Only the worker that has the lane changes it.</summary>
    public int Open { get; set; }

    /// <summary>Weight that waits or is being worked on.</summary>
    public long Held { get; set; }

    /// <summary>Stands in its torrent's row.</summary>
    public bool IsReady { get; set; }

    public bool IsRunning { get; set; }

    /// <summary>When the worker took what it works on.</summary>
    public long RunningSince { get; set; }

    public bool IsIdle => Attempts == 0 && Open == 0 && Waiting.Count == 0 && !IsRunning;
}
