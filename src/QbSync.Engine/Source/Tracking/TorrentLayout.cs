using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>
/// Where a torrent's files lie here and where they go at the destination, from what the client says. Pure and immutable: nothing on disk is looked at.
/// </summary>
internal sealed class TorrentLayout
{
    private const string UnwantedFolder = ".unwanted";

    private TorrentLayout(TorrentManifest manifest, Selection selection, IReadOnlyList<IReadOnlyList<string>> names)
    {
        Manifest = manifest;
        Selection = selection;
        FileNames = names;
    }

    public TorrentManifest Manifest { get; }

    /// <summary>What the client wants of it.</summary>
    public Selection Selection { get; }

    /// <summary>Per file of the manifest, its parts below the base folder; empty for pads.</summary>
    public IReadOnlyList<IReadOnlyList<string>> FileNames { get; }

    /// <summary>Folders, as the client sees them, in which names may start, likeliest first.</summary>
    public IReadOnlyList<string[]> BaseFolders { get; private init; } = [];

    /// <summary>The final folder, as the client sees it.</summary>
    public string[] FinalFolder { get; private init; } = [];

    /// <summary>Where the client wants it in the end.</summary>
    private string[] SaveFolder { get; init; } = [];

    public IReadOnlyList<string> PartFileNames { get; private init; } = [];

    public ContentLayout ContentLayout { get; private init; }

    /// <summary>Derives it; null, with what is wrong, when the client's list cannot be of this torrent or holds a name that leaves its folder.</summary>
    public static TorrentLayout? TryCreate(
        TorrentStatus status, TorrentManifest manifest, IReadOnlyList<ClientFile> files, ClientDescription client, out string problem)
    {
        problem = "";
        if (FileMatch.TryMatch(manifest, files) is not { } match)
        {
            problem = $"The client lists {files.Count} files whose sizes are not those of the .torrent.";
            return null;
        }

        var names = new IReadOnlyList<string>[manifest.Files.Count];
        foreach (var file in manifest.Files)
        {
            var parts = match[file.Index]?.Path.Split('/') ?? [];
            if (file.IsReal && !ClientPath.IsSafe(parts))
            {
                problem = $"The client shows file {file.Index} under a name that is not used: it would leave its folder.";
                return null;
            }

            names[file.Index] = file.IsReal ? Wanted(parts, file) : [];
        }

        var selection = Selection.Of(manifest, file => match[file.Index] is { Selected: true });
        var savePath = ClientPath.Split(status.SavePath);
        var basePath = FindBase(status, client, [.. names.Where(name => name.Count > 0)]);
        return new TorrentLayout(manifest, selection, names)
        {
            BaseFolders = Candidates(basePath, status, client),
            FinalFolder = status.IsComplete && !IsTemporary(basePath, savePath, status, client) ? basePath : savePath,
            SaveFolder = savePath,
            PartFileNames = PartNames(status, manifest),
            ContentLayout = NameLayout.Detect(manifest, names),
        };
    }

    /// <summary>Folders, as the client sees them, in which names may start, likeliest first: the same for who reads and for who counts owners of files.</summary>
    /// <param name="names">The parts of every file's name that is on disk.</param>
    public static IReadOnlyList<string[]> FindFolders(TorrentStatus status, ClientDescription client, IReadOnlyList<IReadOnlyList<string>> names) =>
        Candidates(FindBase(status, client, [.. names]), status, client);

    /// <summary>The final folder, given the one in which the disk has the content: a root that is doubled in the client's words alone is not doubled.</summary>
    public string[] GetFinalFolder(string[] found) =>
        FinalFolder.AsSpan().SequenceEqual(BaseFolders[0]) && found.AsSpan().SequenceEqual(SaveFolder) ? SaveFolder : FinalFolder;

    /// <summary>
    /// The name without the folder into which clients before 4.3 put what is not selected, and out of which it comes late: it says nothing of the
    /// file's name. Who reads the file looks there, too.
    /// </summary>
    private static string[] Wanted(string[] parts, TorrentFile file) =>
        parts is [.., UnwantedFolder, _] && file.Path is not [.., UnwantedFolder, _] ? [.. parts[..^2], parts[^1]] : parts;

    /// <summary>The folder in which names start, by the client's word for the content and by the names.</summary>
    private static string[] FindBase(TorrentStatus status, ClientDescription client, IReadOnlyList<string>[] names)
    {
        if (names.Length == 0 || !ClientPath.IsAbsolute(status.ContentPath))
        {
            return status.IsComplete
                ? ClientPath.Split(status.SavePath)
                : ClientPath.Split(status.DownloadPath is { Length: > 0 } download ? download : client.TempPath ?? status.SavePath);
        }

        var content = ClientPath.Split(status.ContentPath);
        string[] first = [.. names[0]];
        if (names.Length == 1)
        {
            return ClientPath.EndsWith(content, first) ? content[..^first.Length] : content[..^Math.Min(1, content.Length)];
        }

        var hasRoot = names.All(name => name.Count > 1 && name[0] == first[0]);
        if (!hasRoot)
        {
            return content;
        }

        return ClientPath.EndsWith(content, [first[0]]) ? content[..^1]
            : ClientPath.EndsWith(content, first) ? content[..^first.Length]
            : content[..^Math.Min(1, content.Length)];
    }

    /// <summary>Whether a complete torrent still lies where incomplete ones do: clients move it a moment later.</summary>
    private static bool IsTemporary(string[] basePath, string[] savePath, TorrentStatus status, ClientDescription client)
    {
        foreach (var path in (ReadOnlySpan<string?>)[status.DownloadPath, client.TempPath])
        {
            if (path is { Length: > 0 } && ClientPath.Split(path) is var temporary && ClientPath.StartsWith(basePath, temporary)
                && !ClientPath.StartsWith(savePath, temporary))
            {
                return true;
            }
        }

        return false;
    }

    private static List<string[]> Candidates(string[] basePath, TorrentStatus status, ClientDescription client)
    {
        List<string[]> folders = [basePath];
        foreach (var path in (ReadOnlySpan<string?>)[status.SavePath, status.DownloadPath, client.TempPath])
        {
            if (path is { Length: > 0 } && ClientPath.Split(path) is var parts && !folders.Exists(known => known.AsSpan().SequenceEqual(parts)))
            {
                folders.Add(parts);
            }
        }

        return folders;
    }

    private static List<string> PartNames(TorrentStatus status, TorrentManifest manifest)
    {
        List<string> names = [];
        foreach (var hex in (ReadOnlySpan<string>)[status.Id.Value, manifest.V1.ToString(), manifest.V2.Truncated.ToString()])
        {
            if (hex.Length == 40 && hex.All(char.IsAsciiHexDigit) && !names.Contains($".{hex}.parts"))
            {
                names.Add($".{hex}.parts");
            }
        }

        return names;
    }
}
