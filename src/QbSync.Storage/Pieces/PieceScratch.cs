using System.Collections.Concurrent;
using QbSync.Pieces;

namespace QbSync.Storage.Pieces;

/// <summary>What hashing one piece needs, kept from piece to piece.</summary>
internal sealed class PieceScratch : IDisposable
{
    /// <summary>The hasher.</summary>
    public PieceHasher Hasher { get; } = new();

    /// <summary>Parts of the piece.</summary>
    public List<PieceSegment> Segments { get; } = [];

    /// <inheritdoc />
    public void Dispose() => Hasher.Dispose();
}

/// <summary>Lends scratch to pieces in hand; keeps a few for the next ones. Thread-safe; disposed by the store.</summary>
internal sealed class PieceScratchPool : IDisposable
{
    private const int MaxKept = 64;
    private readonly ConcurrentBag<PieceScratch> _kept = [];

    /// <summary>Takes one; the taker returns it.</summary>
    public PieceScratch Rent() => _kept.TryTake(out var scratch) ? scratch : new PieceScratch();

    /// <summary>Gives one back.</summary>
    public void Return(PieceScratch scratch)
    {
        if (_kept.Count < MaxKept)
        {
            _kept.Add(scratch);
        }
        else
        {
            scratch.Dispose();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        while (_kept.TryTake(out var scratch))
        {
            scratch.Dispose();
        }
    }
}
