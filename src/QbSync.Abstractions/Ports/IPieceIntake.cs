using QbSync.Outcomes;
using QbSync.Pieces;

namespace QbSync.Ports;

/// <summary>Where a destination takes pieces in. Implemented by the destination's engine, called by whatever carries the bytes. Thread-safe.</summary>
public interface IPieceIntake
{
    /// <summary>
    /// Begins an attempt. <see cref="PieceAckStatus.Pending"/> with a transfer when its chunks are wanted; else the final answer and no transfer.
    /// A newer attempt for a piece takes it from an older one.
    /// </summary>
    PieceAckStatus Begin(Caller caller, PieceRef piece, ulong epoch, out IPieceTransfer? transfer);

    /// <summary>
    /// Where the last chunk of a piece ends, so that one that was answered before can be counted when it is here whole all the same; null when nobody here
    /// knows. Does no I/O.
    /// </summary>
    int? GetEnd(PieceRef piece) => null;
}

/// <summary>
/// One attempt to receive a piece. Chunks are hashed and written as they come. Not thread-safe: one call at a time, off any socket thread, since
/// calls do file I/O. Disposing before the final answer gives the piece up.
/// </summary>
public interface IPieceTransfer : IDisposable
{
    /// <summary>
    /// Takes the next bytes, in order and without gaps but for pads. <see cref="PieceAckStatus.Pending"/> until the piece ends, then, or when it went wrong
    /// before, the final answer. Does not throw for bad data or disk trouble.
    /// </summary>
    PieceAckStatus Write(int offset, ReadOnlySpan<byte> data);
}
