using System.Text;

namespace QbSync.Torrents;

/// <summary>
/// Which relative paths may be written below a root, whoever names them: a <c>.torrent</c>, a client or a peer. Pure and thread-safe.
/// A path that passes stays beneath any folder it is joined to.
/// </summary>
public static class PathRules
{
    /// <summary>The folder name that QbSync keeps for itself.</summary>
    public const string ReservedName = ".qbsync";

    /// <summary>The suffix of files not yet complete.</summary>
    public const string PartialSuffix = ".qbsync-part";

    /// <summary>Bytes of a part in UTF-8.</summary>
    public const int MaxPartBytes = 255;

    /// <summary>Bytes of a path in UTF-8, separators included.</summary>
    public const int MaxPathBytes = 4_000;

    /// <summary>What is wrong with one part, or null.</summary>
    public static PathFaultKind? CheckPart(string part)
    {
        if (part.Length == 0)
        {
            return PathFaultKind.Empty;
        }

        if (part is "." or "..")
        {
            return PathFaultKind.DotName;
        }

        foreach (var rune in part.EnumerateRunes())
        {
            // EnumerateRunes shows a lone surrogate as U+FFFD, which a file name may hold too; only the former does not survive UTF-8.
            if (rune.Value is '/' or '\\' || Rune.IsControl(rune))
            {
                return PathFaultKind.BadCharacter;
            }
        }

        if (!IsText(part))
        {
            return PathFaultKind.BadCharacter;
        }

        if (part.Equals(ReservedName, StringComparison.OrdinalIgnoreCase) || part.EndsWith(PartialSuffix, StringComparison.OrdinalIgnoreCase))
        {
            return PathFaultKind.Reserved;
        }

        return Encoding.UTF8.GetByteCount(part) > MaxPartBytes ? PathFaultKind.PartTooLong : null;
    }

    /// <summary>What is wrong with one path, or null.</summary>
    public static PathFault? CheckPath(IReadOnlyList<string> path)
    {
        if (path.Count == 0)
        {
            return new PathFault(PathFaultKind.Empty, "");
        }

        var bytes = path.Count - 1;
        foreach (var part in path)
        {
            if (CheckPart(part) is { } kind)
            {
                return new PathFault(kind, Join(path));
            }

            bytes += Encoding.UTF8.GetByteCount(part);
        }

        return bytes > MaxPathBytes ? new PathFault(PathFaultKind.PathTooLong, Join(path)) : null;
    }

    /// <summary>The first thing that is wrong with the paths of files that are to lie side by side below one folder, or null.</summary>
    public static PathFault? CheckAll(IEnumerable<IReadOnlyList<string>> paths)
    {
        var files = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var path in paths)
        {
            if (CheckPath(path) is { } fault)
            {
                return fault;
            }

            var folded = Fold(Join(path));
            if (!files.TryAdd(folded, path))
            {
                return new PathFault(PathFaultKind.Duplicate, Join(path), Join(files[folded]));
            }
        }

        var folders = new HashSet<string>();
        var known = folders.GetAlternateLookup<ReadOnlySpan<char>>();
        var named = files.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var (folded, path) in files)
        {
            // A folder that is known has known folders above it.
            for (var end = folded.LastIndexOf('/'); end > 0 && known.Add(folded.AsSpan(0, end)); end = folded.LastIndexOf('/', end - 1))
            {
                if (named.TryGetValue(folded.AsSpan(0, end), out var file))
                {
                    return new PathFault(PathFaultKind.FileIsFolder, Join(file), Join(path));
                }
            }
        }

        return null;
    }

    /// <summary>The form in which two paths are equal when a file system that folds case and normalises would take them for one.</summary>
    public static string Fold(string path) => CanonicalForm.Decompose(CanonicalForm.Decompose(path).ToUpperInvariant());

    /// <summary>The parts joined by slashes.</summary>
    public static string Join(IReadOnlyList<string> path) => string.Join('/', path);

    /// <summary>Refuses a manifest whose derived names cannot all be written.</summary>
    internal static void Require(IEnumerable<TorrentFile> files)
    {
        if (CheckAll(files.Where(static file => file.IsReal).Select(static file => file.Path)) is { } fault)
        {
            throw new TorrentFormatException(
                TorrentFormatReason.Malformed,
                $"The torrent's file names cannot be written ({fault.Kind}): \"{fault.Path}\"{(fault.Other is null ? "" : $" and \"{fault.Other}\"")}.");
        }
    }

    private static bool IsText(string part)
    {
        for (var i = 0; i < part.Length; i++)
        {
            if (char.IsSurrogate(part[i]) && !(i + 1 < part.Length && char.IsSurrogatePair(part[i], part[++i])))
            {
                return false;
            }
        }

        return true;
    }
}
