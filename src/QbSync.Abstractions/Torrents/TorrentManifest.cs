using QbSync.Pieces;
using QbSync.Torrents.Bencode;

namespace QbSync.Torrents;

/// <summary>
/// What a <c>.torrent</c> says, parsed and checked by us: name, files, piece hashes, both info hashes. Immutable and safe to share.
/// Sizes, offsets, counts and hashes come from here and never from a peer or a client. Made by <see cref="ManifestParser"/>.
/// </summary>
public sealed class TorrentManifest
{
    private readonly ReadOnlyMemory<byte> _v1Hashes;
    private readonly IReadOnlyList<ReadOnlyMemory<byte>> _v2Layers;

    /// <param name="v1Hashes">20 bytes a piece; empty for v2-only.</param>
    /// <param name="v2Layers">Per file, 32 bytes a piece of it where it is longer than a piece; empty for v1-only.</param>
    internal TorrentManifest(
        string name,
        int pieceLength,
        int pieceCount,
        IReadOnlyList<TorrentFile> files,
        InfoHash v1,
        InfoHash v2,
        ReadOnlyMemory<byte> infoDigest,
        bool isPrivate,
        ReadOnlyMemory<byte> v1Hashes,
        IReadOnlyList<ReadOnlyMemory<byte>> v2Layers)
    {
        Name = name;
        PieceLength = pieceLength;
        PieceCount = pieceCount;
        Files = files;
        V1 = v1;
        V2 = v2;
        InfoDigest = infoDigest;
        IsPrivate = isPrivate;
        _v1Hashes = v1Hashes;
        _v2Layers = v2Layers;
        foreach (var file in files)
        {
            // Behind the last byte a v2-only torrent may list empty files, whose aligned place is no part of piece space.
            Length = file.Length > 0 ? file.Offset + file.Length : Length;
            ContentLength += file.IsReal ? file.Length : 0;
            HasRootFolder |= file.IsReal && file.Path.Count > 1;
        }
    }

    /// <summary>The torrent's id in QbSync: the v1 hash where there is one, else the v2 hash.</summary>
    public InfoHash Id => V1.Length > 0 ? V1 : V2;

    /// <summary>SHA-1 over the raw <c>info</c> bytes, or <see cref="InfoHash.None"/> for a v2-only torrent.</summary>
    public InfoHash V1 { get; }

    /// <summary>SHA-256 over the raw <c>info</c> bytes, or <see cref="InfoHash.None"/> for a v1-only torrent.</summary>
    public InfoHash V2 { get; }

    /// <summary>SHA-256 over the raw <c>info</c> bytes of any torrent: what two machines compare to know that they speak of one manifest.</summary>
    public ReadOnlyMemory<byte> InfoDigest { get; }

    /// <summary>The sanitised name: that of the only file, or of the folder.</summary>
    public string Name { get; }

    /// <summary>Whether the files lie in a folder of the torrent's name in the original layout.</summary>
    public bool HasRootFolder { get; }

    /// <summary>Bytes of each whole piece: 1 to 536,854,528.</summary>
    public int PieceLength { get; }

    /// <summary>Number of pieces, at most 2,097,152.</summary>
    public int PieceCount { get; }

    /// <summary>Bytes of piece space, pads and alignment included.</summary>
    public long Length { get; }

    /// <summary>Bytes of all real files.</summary>
    public long ContentLength { get; }

    /// <summary>Files in the order of the manifest, pads and symbolic links included.</summary>
    public IReadOnlyList<TorrentFile> Files { get; }

    /// <summary>The private flag (BEP 27).</summary>
    public bool IsPrivate { get; }

    /// <summary>Whether v1 and v2 describe the same content (BEP 52).</summary>
    public bool IsHybrid => V1.Length > 0 && V2.Length > 0;

    /// <summary>Reads and checks a <c>.torrent</c>.</summary>
    /// <exception cref="TorrentFormatException">It is malformed, or beyond <paramref name="limits"/>.</exception>
    public static TorrentManifest Parse(ReadOnlyMemory<byte> torrent, ManifestLimits? limits = null) =>
        ManifestParser.Parse(torrent, limits ?? ManifestLimits.Default);

    /// <summary>First byte of a piece in piece space.</summary>
    public long GetPieceOffset(int piece) => (long)CheckPiece(piece) * PieceLength;

    /// <summary>Bytes of a piece in piece space. In a v2-only torrent the last piece of each file may be short.</summary>
    public int GetPieceLength(int piece)
    {
        var start = GetPieceOffset(piece);
        var end = V1.Length > 0 ? Length : EndOfFileAt(start);
        return (int)Math.Min(PieceLength, end - start);
    }

    /// <summary>The hashes that the piece must have.</summary>
    public PieceHash GetPieceHash(int piece)
    {
        CheckPiece(piece);
        var sha1 = V1.Length > 0 ? _v1Hashes.Slice(piece * 20, 20) : default;
        if (V2.Length == 0)
        {
            return new PieceHash(sha1, default, 0, 0);
        }

        var start = GetPieceOffset(piece);
        var file = Files[FindFile(start)];
        if (file.IsPad || file.PiecesRoot.IsEmpty)
        {
            return new PieceHash(sha1, default, 0, 0);
        }

        var v2Length = (int)Math.Min(PieceLength, file.Offset + file.Length - start);
        if (file.Length <= PieceLength)
        {
            var blocks = (v2Length + MerkleTree.BlockLength - 1) / MerkleTree.BlockLength;
            return new PieceHash(sha1, file.PiecesRoot, v2Length, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)blocks));
        }

        var indexInFile = (int)((start - file.Offset) / PieceLength);
        return new PieceHash(sha1, _v2Layers[file.Index].Slice(indexInFile * 32, 32), v2Length, PieceLength / MerkleTree.BlockLength);
    }

    /// <summary>Index of the non-empty file that holds this byte of piece space; in an alignment gap, the one before it.</summary>
    internal int FindFile(long offset)
    {
        int low = 0, high = Files.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Files[middle].Offset <= offset)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        // Empty files share their offset with the file behind them, so the search may end on one at the end of the list.
        while (low > 0 && Files[low].Length == 0)
        {
            low--;
        }

        return low;
    }

    private long EndOfFileAt(long offset)
    {
        var file = Files[FindFile(offset)];
        return file.Offset + file.Length;
    }

    private int CheckPiece(int piece)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(piece);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(piece, PieceCount);
        return piece;
    }
}
