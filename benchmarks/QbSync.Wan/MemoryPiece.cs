using System.Security.Cryptography;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Wan;

/// <summary>A piece in memory, always the same bytes.</summary>
internal sealed class MemoryPiece(int index, long attempt, int length) : IChunkSource
{
    private static readonly InfoHash Torrent = InfoHash.Parse("0123456789abcdef0123456789abcdef01234567");
    private static readonly byte[] Content = Make();

    public PieceRef Piece { get; } = new(Torrent, index);

    public ulong Epoch => 1;

    public long Attempt => attempt;

    public IReadOnlyList<(int Offset, int Length)> Ranges { get; } = [(0, length)];

    /// <summary>What a piece of this length hashes to.</summary>
    public static byte[] Hash(int length) => SHA1.HashData(Content.AsSpan(0, length));

    public bool TryFill(int offset, Span<byte> destination)
    {
        Content.AsSpan(offset, destination.Length).CopyTo(destination);
        return true;
    }

    public void Dispose()
    {
    }

    private static byte[] Make()
    {
        var content = new byte[64 << 20];
        new Random(5).NextBytes(content);
        return content;
    }
}
