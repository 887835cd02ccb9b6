using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Transport.Tests.Client;

/// <summary>A piece whose bytes follow from its index and their place in it.</summary>
internal sealed class TestSource(int index, int length) : IChunkSource
{
    public static readonly InfoHash Torrent = InfoHash.Parse("0123456789abcdef0123456789abcdef01234567");

    private int _disposed;

    public PieceRef Piece { get; } = new(Torrent, index);

    public ulong Epoch { get; init; } = 1;

    public long Attempt { get; init; } = index;

    public IReadOnlyList<(int Offset, int Length)> Ranges { get; init; } = [(0, length)];

    /// <summary>From here on the bytes are no longer what was verified.</summary>
    public int ChangedFrom { get; init; } = int.MaxValue;

    public int Disposed => Volatile.Read(ref _disposed);

    public static byte ByteAt(int index, int offset) => (byte)((index * 31) + offset + (offset >> 8));

    public bool TryFill(int offset, Span<byte> destination)
    {
        if (offset + destination.Length > ChangedFrom || Disposed > 0)
        {
            return false;
        }

        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = ByteAt(index, offset + i);
        }

        return true;
    }

    public void Dispose() => Interlocked.Increment(ref _disposed);
}
