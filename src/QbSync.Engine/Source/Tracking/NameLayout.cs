using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>How the names that a client shows relate to those of the manifest. Pure.</summary>
internal static class NameLayout
{
    /// <summary>The layout that explains how deep the names lie; names that no layout explains were changed by the user.</summary>
    public static ContentLayout Detect(TorrentManifest manifest, IReadOnlyList<IReadOnlyList<string>> names)
    {
        int? depth = null;
        foreach (var file in manifest.Files)
        {
            if (!file.IsReal || names[file.Index].Count == 0)
            {
                continue;
            }

            var difference = names[file.Index].Count - file.Path.Count;
            if (depth is { } before && before != difference)
            {
                return ContentLayout.Original;
            }

            depth = difference;
        }

        return depth switch
        {
            1 when !manifest.HasRootFolder => ContentLayout.Subfolder,
            -1 when manifest.HasRootFolder => ContentLayout.NoSubfolder,
            _ => ContentLayout.Original,
        };
    }

    /// <summary>The name to tell where the client shows another than the layout gives; empty where it does not.</summary>
    public static IReadOnlyList<string> Differing(TorrentFile file, ContentLayout layout, IReadOnlyList<string> shown) => layout switch
    {
        ContentLayout.Original => shown.SequenceEqual(file.Path) ? [] : shown,
        ContentLayout.NoSubfolder => shown.SequenceEqual(file.Path.Skip(1)) ? [] : shown,
        // Clients make the folder's name of the file's in more than one way, so it is always told.
        ContentLayout.Subfolder => shown,
    };
}
