using QbSync.Storage.Inspection;
using QbSync.Torrents;

namespace QbSync.Host.Commands.Check;

/// <summary>Checks torrents of a destination, or one in any folder, one after the other. A torrent's bad check is kept in the state, a good one takes it away.</summary>
/// <param name="warn">Told what a person should know besides.</param>
internal sealed class CheckRun(ContentCheck check, TimeProvider time, Action<string> warn)
{
    private const string Receives = "it is still being received";
    private const string Changes = "it changed while it was checked";

    /// <summary>Of a torrent that no destination knows.</summary>
    public async Task<CheckedTorrent> RunAsync(TorrentManifest manifest, string folder, CancellationToken cancellationToken) =>
        new(manifest.Id.ToString(), manifest.Name, await check.RunAsync(CheckedContent.In(folder, manifest), cancellationToken));

    /// <summary>Of a destination's torrent; null when the state knows no such one.</summary>
    public async Task<CheckedTorrent?> RunAsync(StoredTorrents torrents, CheckVerdicts verdicts, InfoHash id, CancellationToken cancellationToken)
    {
        if (torrents.Find(id) is not { } stored)
        {
            return null;
        }

        var (hash, name) = (id.ToString(), stored.Content.Manifest.Name);
        if (!stored.IsComplete)
        {
            return new CheckedTorrent(hash, name, [], Receives);
        }

        var files = await check.RunAsync(stored.Content, cancellationToken);
        var isBad = files.Any(static file => file.Mark.IsBad());

        // A destination that runs may have moved, removed or reopened it meanwhile: then what was seen is nobody's fault.
        if (isBad && !stored.IsSame(torrents.Find(id)))
        {
            return new CheckedTorrent(hash, name, [], Changes);
        }

        try
        {
            if (isBad)
            {
                verdicts.Condemn(id, time.GetUtcNow(), files);
            }
            else
            {
                verdicts.Acquit(id);
            }
        }
        catch (StorageException failure)
        {
            warn($"{id}: what was found could not be kept, so its proof {(isBad ? "stays valid" : "may stay void")}: {failure.Message}");
        }

        return new CheckedTorrent(hash, name, files);
    }
}
