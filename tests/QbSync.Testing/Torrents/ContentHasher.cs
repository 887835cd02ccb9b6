using System.Security.Cryptography;

namespace QbSync.Testing.Torrents;

/// <summary>The hashes of a torrent, computed plainly and with none of the code that they are to test.</summary>
internal static class ContentHasher
{
    private const int Block = 16 * 1024;

    public static byte[] HashPieces(IReadOnlyList<BuiltFile> files, IReadOnlyList<long> pads, int pieceLength)
    {
        var hashes = new List<byte>();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        var buffer = new byte[Math.Min(pieceLength, 1 << 20)];
        var inPiece = 0;
        void Append(long length, Action<long, Span<byte>> read)
        {
            for (long offset = 0; offset < length;)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, Math.Min(length - offset, pieceLength - inPiece)));
                read(offset, part);
                hash.AppendData(part);
                offset += part.Length;
                inPiece += part.Length;
                if (inPiece == pieceLength)
                {
                    hashes.AddRange(hash.GetHashAndReset());
                    inPiece = 0;
                }
            }
        }

        for (var i = 0; i < files.Count; i++)
        {
            Append(files[i].Length, files[i].Content.Read);
            Append(pads[i], static (_, zeros) => zeros.Clear());
        }

        if (inPiece > 0)
        {
            hashes.AddRange(hash.GetHashAndReset());
        }

        return [.. hashes];
    }

    /// <returns>Root, and the piece layer: empty for a file within one piece.</returns>
    public static (byte[] Root, byte[] Layer) HashTree(BuiltFile file, int pieceLength)
    {
        var level = new List<byte[]>();
        var block = new byte[Block];
        for (long offset = 0; offset < file.Length; offset += Block)
        {
            var part = block.AsSpan(0, (int)Math.Min(Block, file.Length - offset));
            file.Content.Read(offset, part);
            level.Add(SHA256.HashData(part));
        }

        var missing = new byte[32];
        var layer = Array.Empty<byte>();
        for (long width = Block; ; width *= 2)
        {
            if (width == pieceLength && file.Length > pieceLength)
            {
                layer = [.. level.SelectMany(static hash => hash)];
            }

            if (level.Count == 1 && (width >= pieceLength || file.Length <= pieceLength))
            {
                return (level[0], layer);
            }

            if (level.Count % 2 == 1)
            {
                level.Add(missing);
            }

            level = [.. level.Chunk(2).Select(static pair => SHA256.HashData([.. pair[0], .. pair[1]]))];
            missing = SHA256.HashData([.. missing, .. missing]);
        }
    }
}
