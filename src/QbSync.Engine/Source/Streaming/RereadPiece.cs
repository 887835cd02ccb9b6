using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// A piece too large to hold: it was verified in one pass and is read again as it is sent, under a running hash. If the bytes changed in between, the last
/// fill says so and the attempt is cancelled. Owns its part of the read-ahead until disposed.
/// </summary>
internal sealed class RereadPiece(
    IPieceReader reader,
    ContentLocation location,
    PieceRef piece,
    ulong epoch,
    long attempt,
    (int Offset, int Length)[] ranges,
    int reserved,
    ReadAheadBudget budget) : IChunkSource
{
    private readonly RunningPieceHash _hash = new(location.Manifest.GetPieceHash(piece.Index), location.Manifest.GetPieceLength(piece.Index));
    private readonly int _end = ranges[^1].Offset + ranges[^1].Length;
    private int _disposed;

    public PieceRef Piece { get; } = piece;

    public ulong Epoch { get; } = epoch;

    public long Attempt { get; } = attempt;

    public IReadOnlyList<(int Offset, int Length)> Ranges => ranges;

    public bool TryFill(int offset, Span<byte> destination) =>
        reader.Read(location, Piece.Index, offset, destination) == PieceReadStatus.Read
        && _hash.Append(offset, destination)
        && (offset + destination.Length < _end || _hash.Matches());

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _hash.Dispose();
            budget.Release(reserved);
        }
    }
}
