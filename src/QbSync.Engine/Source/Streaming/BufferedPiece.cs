using System.Buffers;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Engine.Source.Streaming;

/// <summary>A piece that was read and verified into a pooled buffer. Owns the buffer and its part of the read-ahead until disposed.</summary>
internal sealed class BufferedPiece(
    PieceRef piece, ulong epoch, long attempt, (int Offset, int Length)[] ranges, byte[] buffer, int reserved, ReadAheadBudget budget) : IChunkSource
{
    private byte[]? _buffer = buffer;

    public PieceRef Piece { get; } = piece;

    public ulong Epoch { get; } = epoch;

    public long Attempt { get; } = attempt;

    public IReadOnlyList<(int Offset, int Length)> Ranges => ranges;

    public bool TryFill(int offset, Span<byte> destination)
    {
        var buffer = _buffer;
        ObjectDisposedException.ThrowIf(buffer is null, this);
        buffer.AsSpan(offset, destination.Length).CopyTo(destination);
        return true;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            budget.Release(reserved);
        }
    }
}
