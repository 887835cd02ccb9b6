using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Tracking;

/// <summary>Which file of the client's list is which of the manifest: the i-th is the i-th, in the form (with pads, or without) whose sizes all fit. Pure.</summary>
internal static class FileMatch
{
    /// <summary>Per file of the manifest, the client's file, null for one that it does not list; null when no form fits.</summary>
    public static ClientFile?[]? TryMatch(TorrentManifest manifest, IReadOnlyList<ClientFile> listed) =>
        TryForm(manifest, listed, static _ => true)
        ?? TryForm(manifest, listed, static file => !file.IsPad)
        ?? TryForm(manifest, listed, static file => file.IsReal);

    private static ClientFile?[]? TryForm(TorrentManifest manifest, IReadOnlyList<ClientFile> listed, Func<TorrentFile, bool> isListed)
    {
        var match = new ClientFile?[manifest.Files.Count];
        var next = 0;
        foreach (var file in manifest.Files)
        {
            if (!isListed(file))
            {
                continue;
            }

            if (next == listed.Count || listed[next].Size != file.Length)
            {
                return null;
            }

            match[file.Index] = listed[next++];
        }

        return next == listed.Count ? match : null;
    }
}
