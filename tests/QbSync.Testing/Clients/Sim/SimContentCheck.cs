using System.Buffers.Binary;
using System.Security.Cryptography;
using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Testing.Clients.Sim;

/// <summary>Reads a simulated torrent's files on the real disk, plainly and with none of the product's code for that.</summary>
internal static class SimContentCheck
{
    private const int Block = 16 * 1024;

    /// <summary>The part file of a torrent, where bytes of unwanted files lie.</summary>
    public static string PartFile(SimTorrent torrent) => Path.Combine(torrent.SavePath, $".{torrent.Id}.parts");

    public static string File(SimTorrent torrent, int index) => Path.Combine(torrent.SavePath, torrent.Paths[index]);

    /// <summary>Whether every wanted file has its size.</summary>
    public static bool HasFiles(SimTorrent torrent) => torrent.Manifest.Files
        .Where(file => file.IsReal && file.Length > 0 && torrent.Priorities[file.Index] > 0)
        .All(file => new FileInfo(File(torrent, file.Index)) is { Exists: true } info && info.Length == file.Length);

    public static PieceBitmap Check(SimTorrent torrent)
    {
        var manifest = torrent.Manifest;
        var have = new PieceBitmap(manifest.PieceCount);
        var layout = new PieceLayout(manifest, Selection.All(manifest));
        var parts = System.IO.File.Exists(PartFile(torrent)) ? System.IO.File.ReadAllBytes(PartFile(torrent)) : [];
        var segments = new List<PieceSegment>();
        for (var piece = 0; piece < manifest.PieceCount; piece++)
        {
            segments.Clear();
            layout.GetSegments(piece, segments);
            var bytes = new byte[manifest.GetPieceLength(piece)];
            if (segments.TrueForAll(segment => Read(torrent, parts, piece, segment, bytes.AsSpan(segment.PieceOffset, segment.Length)))
                && IsRight(manifest.GetPieceHash(piece), bytes))
            {
                have.Set(piece);
            }
        }

        return have;
    }

    private static bool Read(SimTorrent torrent, byte[] parts, int piece, PieceSegment segment, Span<byte> destination)
    {
        if (segment.IsPad)
        {
            return true;
        }

        if (ReadFile(File(torrent, segment.FileIndex), segment.FileOffset, destination))
        {
            return true;
        }

        // Big-endian: pieces, piece length, a slot per piece; slots begin at the next KiB.
        var count = torrent.Manifest.PieceCount;
        if (torrent.Priorities[segment.FileIndex] > 0 || parts.Length < 8 + count * 4)
        {
            return false;
        }

        var slot = BinaryPrimitives.ReadInt32BigEndian(parts.AsSpan(8 + piece * 4));
        var start = ((2 + count) * 4 + 1023) / 1024 * 1024 + (long)slot * torrent.Manifest.PieceLength + segment.PieceOffset;
        if (slot < 0 || start + destination.Length > parts.Length)
        {
            return false;
        }

        parts.AsSpan((int)start, destination.Length).CopyTo(destination);
        return true;
    }

    private static bool ReadFile(string path, long offset, Span<byte> destination)
    {
        if (!System.IO.File.Exists(path))
        {
            return false;
        }

        using var file = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return RandomAccess.Read(file, destination, offset) == destination.Length;
    }

    private static bool IsRight(PieceHash hash, ReadOnlySpan<byte> bytes)
    {
        if (hash.Sha1.Length > 0)
        {
            return SHA1.HashData(bytes).AsSpan().SequenceEqual(hash.Sha1.Span);
        }

        var level = new List<byte[]>();
        for (var offset = 0; offset < hash.MerkleBytes; offset += Block)
        {
            level.Add(SHA256.HashData(bytes[offset..Math.Min(offset + Block, hash.MerkleBytes)]));
        }

        while (level.Count < hash.MerkleLeaves)
        {
            level.Add(new byte[32]);
        }

        while (level.Count > 1)
        {
            level = [.. level.Chunk(2).Select(static pair => SHA256.HashData([.. pair[0], .. pair[1]]))];
        }

        return level.Count == 0 || level[0].AsSpan().SequenceEqual(hash.MerkleRoot.Span);
    }
}
