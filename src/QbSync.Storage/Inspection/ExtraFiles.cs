using QbSync.Storage.IO;

namespace QbSync.Storage.Inspection;

/// <summary>Files in a torrent's own folder that are not the torrent's.</summary>
internal static class ExtraFiles
{
    private const int Deepest = 64;

    /// <summary>Their paths below the root. A torrent whose files have no folder in common has no place of its own, so nothing is extra there.</summary>
    public static IReadOnlyList<string> Find(IFileSystem files, RootDirectory root, CheckedContent content)
    {
        var own = content.FileNames.Where(static parts => parts.Count > 0).ToList();
        var folder = CommonFolder(own, content.Manifest.HasRootFolder);
        if (folder.Count == 0)
        {
            return [];
        }

        var known = own.Select(static parts => string.Join('/', parts)).ToHashSet(StringComparer.Ordinal);
        List<string> extra = [];
        Walk(files, root, folder, known, extra);
        extra.Sort(StringComparer.Ordinal);
        return extra;
    }

    /// <summary>The folder of the torrent's name, under whatever name; none when the torrent has no folder.</summary>
    private static List<string> CommonFolder(List<IReadOnlyList<string>> own, bool hasFolder)
    {
        List<string> common = hasFolder && own.Count > 0 ? [.. own[0].SkipLast(1)] : [];
        foreach (var parts in own)
        {
            var same = 0;
            while (same < common.Count && same < parts.Count - 1 && parts[same] == common[same])
            {
                same++;
            }

            common.RemoveRange(same, common.Count - same);
        }

        return common;
    }

    private static void Walk(IFileSystem files, RootDirectory root, List<string> parts, HashSet<string> known, List<string> extra)
    {
        using var folder = parts.Count > Deepest ? null : root.OpenFolder([.. parts]);
        foreach (var name in folder is null ? [] : files.List(folder))
        {
            var kind = files.Stat(folder!, name)?.Kind;
            var path = string.Join('/', parts.Append(name));
            if (kind == FileKind.Folder)
            {
                Walk(files, root, [.. parts, name], known, extra);
            }
            else if (kind is not null && !known.Contains(path) && !name.EndsWith(SafePath.PartialSuffix, StringComparison.Ordinal))
            {
                extra.Add(path);
            }
        }
    }
}
