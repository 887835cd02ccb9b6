using System.Globalization;

namespace QbSync.Torrents.Bencode;

/// <summary>The files of a v1 or hybrid torrent: the list under <c>files</c>, or the one that <c>length</c> describes.</summary>
internal static class FileListReader
{
    private static readonly string[] Keys = ["length", "path", "path.utf-8", "attr"];

    public static List<ManifestEntry> Read(ReadOnlySpan<byte> data, int list, int length, int attributes, string name, ManifestLimits limits)
    {
        var entries = new List<ManifestEntry>();
        if (list < 0)
        {
            var (isPad, isSymlink) = ReadAttributes(data, attributes);
            entries.Add(Make([name], isSymlink ? 0 : ReadLength(data, length, limits), isPad, isSymlink));
            return entries;
        }

        Span<int> fields = stackalloc int[Keys.Length];
        var reader = new BencodeReader(data, list);
        reader.Enter(BencodeKind.List);
        while (!reader.TryLeave())
        {
            if (entries.Count == limits.MaxFiles)
            {
                throw ManifestParser.TooLarge("files", limits.MaxFiles);
            }

            reader.ReadDictionary(Keys, fields);
            var (isPad, isSymlink) = ReadAttributes(data, fields[3]);
            var bytes = isSymlink ? 0 : ReadLength(data, fields[0], limits);
            var path = ReadPath(data, fields[2] >= 0 ? fields[2] : fields[1], limits);
            if (path.Length == 0)
            {
                path = isPad ? [".pad", bytes.ToString(CultureInfo.InvariantCulture)] : throw reader.Fault("a file without a path");
            }

            entries.Add(Make(path, bytes, isPad, isSymlink));
        }

        return entries.Count > 0 ? entries : throw ManifestParser.Malformed("it has no files");
    }

    internal static long ReadLength(ReadOnlySpan<byte> data, int position, ManifestLimits limits)
    {
        var length = position < 0 ? throw ManifestParser.Malformed("a file has no length") : new BencodeReader(data, position).ReadInteger();
        return length < 0 ? throw ManifestParser.Malformed($"a file has {length} bytes")
            : length > limits.MaxLength ? throw ManifestParser.TooLarge("bytes", limits.MaxLength)
            : length;
    }

    /// <summary>BEP 47: <c>p</c> pad, <c>l</c> symbolic link; the others mean nothing here.</summary>
    internal static (bool IsPad, bool IsSymlink) ReadAttributes(ReadOnlySpan<byte> data, int position)
    {
        if (position < 0)
        {
            return default;
        }

        var attributes = data[new BencodeReader(data, position).ReadBytes()];
        return (attributes.Contains((byte)'p'), attributes.Contains((byte)'l'));
    }

    private static ManifestEntry Make(string[] path, long length, bool isPad, bool isSymlink) =>
        new(path, length, isPad || Array.Exists(path, static part => part.Contains("_____padding_file_", StringComparison.Ordinal)), isSymlink, default);

    private static string[] ReadPath(ReadOnlySpan<byte> data, int position, ManifestLimits limits)
    {
        if (position < 0)
        {
            return [];
        }

        var parts = new List<string>();
        var reader = new BencodeReader(data, position);
        reader.Enter(BencodeKind.List);
        while (!reader.TryLeave())
        {
            if (parts.Count > limits.MaxDepth)
            {
                throw ManifestParser.TooLarge("folders in a path", limits.MaxDepth);
            }

            parts.Add(NameSanitizer.Sanitize(data[reader.ReadBytes()]) ?? "_");
        }

        return [.. parts];
    }
}
