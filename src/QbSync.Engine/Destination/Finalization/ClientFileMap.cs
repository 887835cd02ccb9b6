using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>
/// Which file of a client's list is which file of the manifest. Clients hide pad files or list them, and may sanitise a name otherwise than we do,
/// so names count first, then order and size. Pure.
/// </summary>
internal static class ClientFileMap
{
    /// <summary>The client's file for each real file of the manifest, by its index; null when the lists cannot be the same torrent's.</summary>
    public static Dictionary<int, ClientFile>? TryMatch(StoreRequest request, IReadOnlyList<ClientFile> files) =>
        TryMatch(request.Manifest, request.FileNames, ContentPaths.Of(request.Manifest, request.Place.Layout), files);

    /// <summary>The same by names of ours, else by those of the manifest.</summary>
    public static Dictionary<int, ClientFile>? TryMatch(
        TorrentManifest manifest, IReadOnlyList<IReadOnlyList<string>> names, IReadOnlyList<IReadOnlyList<string>> derived, IReadOnlyList<ClientFile> files)
    {
        var real = manifest.Files.Where(static file => file.IsReal).ToArray();
        return TryMatchNames(names, derived, real, files) ?? TryMatchOrder(manifest, real, files);
    }

    private static Dictionary<int, ClientFile>? TryMatchNames(
        IReadOnlyList<IReadOnlyList<string>> names, IReadOnlyList<IReadOnlyList<string>> derived, TorrentFile[] real, IReadOnlyList<ClientFile> files)
    {
        var byPath = new Dictionary<string, ClientFile>(files.Count);
        foreach (var file in files)
        {
            if (!byPath.TryAdd(file.Path, file))
            {
                return null;
            }
        }

        var map = new Dictionary<int, ClientFile>(real.Length);
        var used = new HashSet<int>();
        foreach (var file in real)
        {
            if (!byPath.TryGetValue(string.Join('/', names[file.Index]), out var found)
                && !byPath.TryGetValue(string.Join('/', derived[file.Index]), out found))
            {
                return null;
            }

            if (found.Size != file.Length || !used.Add(found.Index))
            {
                return null;
            }

            map[file.Index] = found;
        }

        return map;
    }

    private static Dictionary<int, ClientFile>? TryMatchOrder(TorrentManifest manifest, TorrentFile[] real, IReadOnlyList<ClientFile> files)
    {
        TorrentFile[] listed = files.Count == real.Length ? real : files.Count == manifest.Files.Count ? [.. manifest.Files] : [];
        if (listed.Length == 0)
        {
            return null;
        }

        var map = new Dictionary<int, ClientFile>(real.Length);
        var ordered = files.OrderBy(static file => file.Index).ToArray();
        for (var i = 0; i < listed.Length; i++)
        {
            if (ordered[i].Size != listed[i].Length)
            {
                return null;
            }

            if (listed[i].IsReal)
            {
                map[listed[i].Index] = ordered[i];
            }
        }

        return map;
    }
}
