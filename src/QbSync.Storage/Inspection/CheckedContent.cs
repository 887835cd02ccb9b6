using QbSync.Torrents;

namespace QbSync.Storage.Inspection;

/// <summary>Content that is to be checked: what it should be, and where it lies.</summary>
public sealed record CheckedContent
{
    /// <summary>The manifest.</summary>
    public required TorrentManifest Manifest { get; init; }

    /// <summary>Which files should be there.</summary>
    public required Selection Selection { get; init; }

    /// <summary>Absolute path of the folder below which it lies. Nothing outside of it is opened.</summary>
    public required string Root { get; init; }

    /// <summary>Per file of the manifest, its parts below the root; empty for what is no file.</summary>
    public required IReadOnlyList<IReadOnlyList<string>> FileNames { get; init; }

    /// <summary>A file with the bytes of unselected files that share a piece with selected ones, in libtorrent's format; null for none.</summary>
    public string? BoundaryFile { get; init; }

    /// <summary>
    /// A torrent's content in a folder, as a client lays it out: below the folder of the torrent's name where that is there, else right in the folder.
    /// </summary>
    public static CheckedContent In(string folder, TorrentManifest manifest)
    {
        var isBare = manifest.HasRootFolder && !Directory.Exists(Path.Join(folder, manifest.Name));
        return new CheckedContent
        {
            Manifest = manifest,
            Selection = Selection.All(manifest),
            Root = folder,
            FileNames = [.. manifest.Files.Select(file => !file.IsReal ? [] : isBare ? [.. file.Path.Skip(1)] : file.Path)],
        };
    }
}
