using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>
/// Compares the files of a group with those of every torrent whose folder could hold one of them, by the client's own paths. Thread-safe.
/// </summary>
internal sealed class OverlappingFiles(ITorrentClient client) : ISharedFiles
{
    /// <inheritdoc />
    public async Task<IReadOnlySet<ClientTorrentId>?> FindAsync(
        IReadOnlyCollection<ClientTorrentId> members, ClientUpdate list, CancellationToken cancellationToken)
    {
        HashSet<ClientTorrentId> shared = [];
        var outside = list.Torrents.Where(status => !members.Contains(status.Id) && status.HasMetadata).ToArray();
        foreach (var member in list.Torrents.Where(status => members.Contains(status.Id)))
        {
            HashSet<string>? own = null;
            foreach (var other in outside.Where(other => MayMeet(member, other)))
            {
                try
                {
                    own ??= await GetPathsAsync(member, cancellationToken).ConfigureAwait(false);
                    if (own.Overlaps(await GetPathsAsync(other, cancellationToken).ConfigureAwait(false)))
                    {
                        shared.Add(member.Id);
                        break;
                    }
                }
                catch (TorrentClientException)
                {
                    // Not known, or gone meanwhile: a later list is looked at again.
                    return null;
                }
            }
        }

        return shared;
    }

    private static bool MayMeet(TorrentStatus one, TorrentStatus other) =>
        RootsOf(one).Any(root => RootsOf(other).Any(otherRoot => IsBelow(root, otherRoot) || IsBelow(otherRoot, root)));

    /// <summary>Where its files may be: below its content path, or anywhere below the save path where that is not told.</summary>
    private static IEnumerable<string> RootsOf(TorrentStatus status) => status.ContentPath.Length > 0 ? [status.ContentPath] : BasesOf(status);

    private static IEnumerable<string> BasesOf(TorrentStatus status)
    {
        yield return status.SavePath;
        if (status.DownloadPath.Length > 0)
        {
            yield return status.DownloadPath;
        }
    }

    private static bool IsBelow(string path, string root)
    {
        var (inner, outer) = (path.TrimEnd('/') + "/", root.TrimEnd('/') + "/");
        return inner.StartsWith(outer, StringComparison.Ordinal);
    }

    private async Task<HashSet<string>> GetPathsAsync(TorrentStatus status, CancellationToken cancellationToken)
    {
        HashSet<string> paths = new(StringComparer.Ordinal);
        foreach (var file in await client.GetFilesAsync(status.Id, cancellationToken).ConfigureAwait(false))
        {
            foreach (var folder in BasesOf(status))
            {
                paths.Add($"{folder.TrimEnd('/')}/{file.Path}");
            }
        }

        return paths;
    }
}
