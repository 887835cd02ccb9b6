namespace QbSync.Torrents.Bencode;

/// <summary>The files of a v2 or hybrid torrent: the <c>file tree</c> of BEP 52, in the order in which it stands. Iterative.</summary>
internal static class FileTreeReader
{
    private static readonly string[] Keys = ["length", "pieces root", "attr"];

    public static (List<ManifestEntry> Entries, bool IsSingleFile) Read(ReadOnlySpan<byte> data, int tree, ManifestLimits limits)
    {
        var entries = new List<ManifestEntry>();
        var path = new List<string>();
        var topNames = 0;
        var reader = new BencodeReader(data, tree);
        reader.Enter(BencodeKind.Dictionary);
        while (true)
        {
            if (reader.TryLeave())
            {
                if (path.Count == 0)
                {
                    break;
                }

                path.RemoveAt(path.Count - 1);
                continue;
            }

            var name = data[reader.ReadBytes()];
            if (name.IsEmpty)
            {
                throw reader.Fault("an empty name beside others in the file tree");
            }

            topNames += path.Count == 0 ? 1 : 0;
            path.Add(NameSanitizer.Sanitize(name) ?? "_");
            if (path.Count > limits.MaxDepth)
            {
                throw ManifestParser.TooLarge("folders in a path", limits.MaxDepth);
            }

            reader.Enter(BencodeKind.Dictionary);
            if (TryEnterFile(ref reader, data))
            {
                if (entries.Count == limits.MaxFiles)
                {
                    throw ManifestParser.TooLarge("files", limits.MaxFiles);
                }

                entries.Add(ReadFile(ref reader, data, [.. path], limits));
                path.RemoveAt(path.Count - 1);
            }
        }

        return entries.Count > 0
            ? (entries, topNames == 1 && entries is [{ Path.Length: 1 }])
            : throw ManifestParser.Malformed("it has no files");
    }

    /// <summary>A file is a dictionary whose only key is empty.</summary>
    private static bool TryEnterFile(ref BencodeReader reader, ReadOnlySpan<byte> data)
    {
        var ahead = reader;
        if (ahead.Kind == BencodeKind.End || !data[ahead.ReadBytes()].IsEmpty)
        {
            return false;
        }

        reader = ahead;
        return true;
    }

    private static ManifestEntry ReadFile(ref BencodeReader reader, ReadOnlySpan<byte> data, string[] path, ManifestLimits limits)
    {
        Span<int> fields = stackalloc int[Keys.Length];
        reader.ReadDictionary(Keys, fields);
        if (!reader.TryLeave())
        {
            throw reader.Fault("a name is a file and a folder in the file tree");
        }

        var (isPad, isSymlink) = FileListReader.ReadAttributes(data, fields[2]);
        if (isPad)
        {
            throw reader.Fault("a pad in the file tree");
        }

        var length = isSymlink ? 0 : FileListReader.ReadLength(data, fields[0], limits);
        if (length == 0)
        {
            return new ManifestEntry(path, 0, false, isSymlink, default);
        }

        var root = fields[1] < 0 ? throw reader.Fault("a file without a pieces root") : new BencodeReader(data, fields[1]).ReadBytes();
        return data[root].Length == 32 && data[root].ContainsAnyExcept((byte)0)
            ? new ManifestEntry(path, length, false, false, root)
            : throw reader.Fault("a pieces root is no SHA-256");
    }
}
