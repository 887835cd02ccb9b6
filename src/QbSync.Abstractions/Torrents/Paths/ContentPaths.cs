namespace QbSync.Torrents;

/// <summary>Where a client lays the files of a torrent below its save path. Pure.</summary>
public static class ContentPaths
{
    /// <summary>The path of each entry of <see cref="TorrentManifest.Files"/>, at its index; pads and symbolic links keep a path that nobody writes.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Of(TorrentManifest manifest, ContentLayout layout)
    {
        var original = manifest.Files.Select(static file => file.Path).ToArray();
        var hasRoot = HasCommonRoot(manifest);
        return layout switch
        {
            ContentLayout.Subfolder when !hasRoot && FolderName(manifest) is { Length: > 0 } folder =>
                Array.ConvertAll<IReadOnlyList<string>, IReadOnlyList<string>>(original, path => [folder, .. path]),
            ContentLayout.NoSubfolder when hasRoot => Array.ConvertAll<IReadOnlyList<string>, IReadOnlyList<string>>(
                original, path => [.. path.Skip(path.Count > 1 ? 1 : 0)]),
            ContentLayout.Original or ContentLayout.Subfolder or ContentLayout.NoSubfolder => original,
        };
    }

    private static bool HasCommonRoot(TorrentManifest manifest)
    {
        string? root = null;
        foreach (var file in manifest.Files)
        {
            if (file.IsPad)
            {
                continue;
            }

            root ??= file.Path[0];
            if (file.Path.Count == 1 || file.Path[0] != root)
            {
                return false;
            }
        }

        return root is not null;
    }

    /// <summary>
    /// qBittorrent names the folder that it adds after the first file, without its extension; of a known pair such as .tar.gz, without both.
    /// Empty, and then no folder is added, where the name is nothing else.
    /// </summary>
    private static string FolderName(TorrentManifest manifest)
    {
        var name = manifest.Files.FirstOrDefault(static file => !file.IsPad)?.Path[0] ?? "";
        var dot = name.Length > 1 ? name.LastIndexOf('.', name.Length - 2) : -1;
        var stem = dot < 0 ? name : name[..dot];
        return stem.Length > 4 && dot >= 0 && stem.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) ? stem[..^4] : stem;
    }
}
