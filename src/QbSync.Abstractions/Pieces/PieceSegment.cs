namespace QbSync.Pieces;

/// <summary>The part of a piece that lies in one file, in piece order.</summary>
/// <param name="FileIndex">Place in the manifest's list.</param>
/// <param name="FileOffset">First byte in that file.</param>
/// <param name="PieceOffset">First byte in the piece.</param>
/// <param name="Length">Bytes, at least 1.</param>
/// <param name="IsPad">Zeros: neither read, sent nor stored.</param>
public readonly record struct PieceSegment(int FileIndex, long FileOffset, int PieceOffset, int Length, bool IsPad);
