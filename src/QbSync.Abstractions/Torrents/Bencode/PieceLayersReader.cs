using System.Buffers;
using System.Numerics;

namespace QbSync.Torrents.Bencode;

/// <summary>
/// The <c>piece layers</c> of BEP 52. They lie outside the info hash, so each is folded to the root of its file before it is believed.
/// </summary>
internal static class PieceLayersReader
{
    /// <returns>Per file its layer; empty for a file within one piece.</returns>
    public static ReadOnlyMemory<byte>[] Read(ReadOnlySpan<byte> data, int position, TorrentFile[] files, int pieceLength)
    {
        var layers = new ReadOnlyMemory<byte>[files.Length];
        if (!Array.Exists(files, file => file.IsReal && file.Length > pieceLength))
        {
            return layers;
        }

        if (position < 0)
        {
            throw ManifestParser.Malformed("it has no piece layers");
        }

        // One copy that all files share: many files may name the same root.
        var whole = new BencodeReader(data, position);
        whole.Skip();
        var owned = data[position..whole.Position].ToArray();
        var known = Index(owned);
        Span<byte> filler = stackalloc byte[32];
        MerkleTree.FoldRoot([], pieceLength / MerkleTree.BlockLength, filler);
        foreach (var file in files)
        {
            if (file.IsReal && file.Length > pieceLength)
            {
                layers[file.Index] = known.TryGetValue(InfoHash.FromBytes(file.PiecesRoot.Span), out var range)
                    ? Verify(owned.AsMemory(range), file, pieceLength, filler)
                    : throw ManifestParser.Malformed($"file {file.Index} has no piece layer");
            }
        }

        return layers;
    }

    private static Dictionary<InfoHash, Range> Index(byte[] layers)
    {
        var known = new Dictionary<InfoHash, Range>();
        var reader = new BencodeReader(layers);
        reader.Enter(BencodeKind.Dictionary);
        while (!reader.TryLeave())
        {
            var key = layers.AsSpan(reader.ReadBytes());
            if (key.Length == 32)
            {
                known.TryAdd(InfoHash.FromBytes(key), reader.ReadBytes());
            }
            else
            {
                reader.Skip();
            }
        }

        return known;
    }

    private static Memory<byte> Verify(Memory<byte> layer, TorrentFile file, int pieceLength, ReadOnlySpan<byte> filler)
    {
        var pieces = (int)((file.Length + pieceLength - 1) / pieceLength);
        if (layer.Length != pieces * 32L)
        {
            throw ManifestParser.Malformed($"the piece layer of file {file.Index} has {layer.Length} bytes for {pieces} pieces");
        }

        var scratch = ArrayPool<byte>.Shared.Rent(layer.Length);
        Span<byte> root = stackalloc byte[32];
        layer.Span.CopyTo(scratch);
        MerkleTree.FoldRoot(scratch.AsSpan(0, layer.Length), (int)BitOperations.RoundUpToPowerOf2((uint)pieces), root, filler);
        ArrayPool<byte>.Shared.Return(scratch);
        return root.SequenceEqual(file.PiecesRoot.Span)
            ? layer
            : throw ManifestParser.Malformed($"the piece layer of file {file.Index} is not that of its root");
    }
}
