using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Transport.Server;

/// <summary>A transfer of a stream from its first chunk to its answer. Its numbers belong to the gate of <see cref="WriteWorkers"/>.</summary>
internal sealed class PieceAttempt(ulong number, PieceRef piece, FrameLane lane)
{
    private volatile bool _isEnded;

    public ulong Number => number;

    public PieceRef Piece => piece;

    public FrameLane Lane => lane;

    /// <summary>Where its newest chunk ends in the piece.</summary>
    public int Reached { get; set; }

    /// <summary>When its newest chunk came off the stream.</summary>
    public long NewestChunk { get; set; }

    /// <summary>Its chunks that wait or are being worked on.</summary>
    public int Outstanding { get; set; }

    /// <summary>Its chunks that wait.</summary>
    public int Waiting { get; set; }

    /// <summary>Answered or cancelled: what still comes of it is dropped, and no verdict is told any more.</summary>
    public bool IsEnded
    {
        get => _isEnded;
        set => _isEnded = value;
    }

    /// <summary>Where its chunks go. Only the worker that has the lane calls it.</summary>
    public IPieceTransfer? Target { get; set; }
}
