using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Testing.Torrents;

/// <param name="Path">Parts below the save path, the torrent's folder first.</param>
public sealed record BuiltFile(IReadOnlyList<string> Path, long Length, TorrentContent Content)
{
    public string RelativePath => System.IO.Path.Combine([.. Path]);
}

/// <summary>A torrent made by <see cref="TorrentBuilder"/> and the content that it describes.</summary>
public sealed class BuiltTorrent
{
    private readonly Lazy<TorrentManifest> _manifest;

    internal BuiltTorrent(string name, byte[] bytes, IReadOnlyList<BuiltFile> files)
    {
        Name = name;
        Bytes = bytes;
        Files = files;
        _manifest = new Lazy<TorrentManifest>(() => TorrentManifest.Parse(Bytes));
    }

    public string Name { get; }

    /// <summary>The <c>.torrent</c>.</summary>
    public byte[] Bytes { get; }

    /// <summary>The files, without pads, in the order of the torrent.</summary>
    public IReadOnlyList<BuiltFile> Files { get; }

    public TorrentManifest Manifest => _manifest.Value;

    public InfoHash Id => Manifest.Id;

    /// <summary>Writes the <c>.torrent</c> into <paramref name="folder"/> and says where.</summary>
    public string WriteTorrent(string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, $"{Id}.torrent");
        File.WriteAllBytes(path, Bytes);
        return path;
    }

    /// <summary>Writes all files below <paramref name="folder"/>.</summary>
    public void WriteContent(string folder)
    {
        foreach (var file in Files)
        {
            WriteFile(folder, file);
        }
    }

    public static void WriteFile(string folder, BuiltFile file)
    {
        var path = Path.Combine(folder, file.RelativePath);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var output = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var buffer = new byte[(int)Math.Min(1 << 20, file.Length)];
        for (long offset = 0; offset < file.Length; offset += buffer.Length)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, file.Length - offset));
            file.Content.Read(offset, part);
            RandomAccess.Write(output, part, offset);
        }
    }

    /// <summary>All bytes of one file, by its place in <see cref="Files"/>.</summary>
    public byte[] ReadFile(int index)
    {
        var bytes = new byte[Files[index].Length];
        Files[index].Content.Read(0, bytes);
        return bytes;
    }

    /// <summary>All bytes of one piece, pads as zeros.</summary>
    public byte[] ReadPiece(int piece)
    {
        var bytes = new byte[Manifest.GetPieceLength(piece)];
        var segments = new List<PieceSegment>();
        new PieceLayout(Manifest, Selection.All(Manifest)).GetSegments(piece, segments);
        foreach (var segment in segments)
        {
            if (!segment.IsPad)
            {
                RealFile(segment.FileIndex).Content.Read(segment.FileOffset, bytes.AsSpan(segment.PieceOffset, segment.Length));
            }
        }

        return bytes;
    }

    /// <summary>The first file below <paramref name="folder"/> that is not what the torrent says, and how; null if all are.</summary>
    public string? FindDifference(string folder, Func<BuiltFile, bool>? only = null)
    {
        foreach (var file in Files.Where(only ?? (static _ => true)))
        {
            var path = Path.Combine(folder, file.RelativePath);
            if (!File.Exists(path))
            {
                return $"{file.RelativePath} is missing";
            }

            using var input = File.OpenHandle(path);
            if (RandomAccess.GetLength(input) != file.Length)
            {
                return $"{file.RelativePath} has {RandomAccess.GetLength(input)} bytes instead of {file.Length}";
            }

            byte[] wanted = new byte[1 << 20], found = new byte[1 << 20];
            for (long offset = 0; offset < file.Length; offset += wanted.Length)
            {
                var length = (int)Math.Min(wanted.Length, file.Length - offset);
                file.Content.Read(offset, wanted.AsSpan(0, length));
                var read = RandomAccess.Read(input, found.AsSpan(0, length), offset);
                var same = wanted.AsSpan(0, length).CommonPrefixLength(found.AsSpan(0, read));
                if (same < length)
                {
                    return $"{file.RelativePath} differs at byte {offset + same}";
                }
            }
        }

        return null;
    }

    private BuiltFile RealFile(int manifestIndex) => Files[Manifest.Files.Take(manifestIndex).Count(static file => file.IsReal)];
}
