using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Storage.Pieces;

/// <summary>
/// Working space of one read, reused by the next: so reading allocates nothing. Holds at most one file of the cache at a time. Not thread-safe.
/// </summary>
internal sealed class PieceReadScratch(FileHandleCache files) : IDisposable
{
    /// <summary>Bytes read and hashed at a time: small enough to be hashed while in the processor's cache, a multiple of the merkle block.</summary>
    public const int SliceLength = 256 * 1024;

    private byte[]? _slice;
    private OpenFile? _held;

    /// <summary>Parts of the piece at hand.</summary>
    public List<PieceSegment> Segments { get; } = [];

    public PieceHasher Hasher { get; } = new();

    /// <summary>Room for a slice that nobody keeps.</summary>
    public byte[] Slice => _slice ??= new byte[SliceLength];

    /// <summary>Ticks spent reading since the piece began.</summary>
    public long ReadTicks { get; set; }

    /// <summary>Whether bytes of a neighbour may be in a part file: only a piece of several files has those.</summary>
    public bool HasNeighbours
    {
        get
        {
            var real = 0;
            foreach (var segment in Segments)
            {
                real += segment.IsPad ? 0 : 1;
            }

            return real > 1;
        }
    }

    /// <summary>The file, held until another one is asked for or <see cref="LetGo"/>; null when it is not there.</summary>
    public OpenFile? Hold(ContentLocation location, int index)
    {
        if (_held is not null && _held.Key.Index == index)
        {
            return _held;
        }

        LetGo();
        return _held = files.Acquire(location, index);
    }

    /// <summary>Drops the held file after the device failed on it; true when there was one.</summary>
    public bool Evict()
    {
        var evicted = _held is not null && files.Evict(_held);
        LetGo();
        return evicted;
    }

    public void LetGo()
    {
        if (_held is not null)
        {
            files.Release(_held);
            _held = null;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        LetGo();
        Hasher.Dispose();
    }
}
