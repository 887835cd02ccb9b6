using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Host.Commands.Demo;

/// <summary>Asks both clients themselves whether a demo ended as it should.</summary>
internal static class ClientFaults
{
    /// <summary>Contradictions, a line each.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(
        DemoTorrents torrents, ITorrentClient source, ITorrentClient destination, CancellationToken cancellationToken)
    {
        List<string> faults = [];
        await source.PollAsync([], cancellationToken);
        await destination.PollAsync([], cancellationToken);
        foreach (var torrent in torrents.All)
        {
            var hash = InfoHash.Parse(torrent.InfoHash);
            var there = await destination.FindAsync(hash, InfoHash.None, cancellationToken);
            if (there is not { IsComplete: true } || !there.State.IsStopped())
            {
                faults.Add($"{torrent.Name}: the destination's client shows {there?.RawState ?? "nothing"} at {there?.Progress ?? 0:P0}, not complete and stopped");
            }
            else if (!there.Tags.Contains("synced"))
            {
                faults.Add($"{torrent.Name}: no tag \"synced\" at the destination's client");
            }

            var here = await source.FindAsync(hash, InfoHash.None, cancellationToken);
            if (here is not { IsComplete: true } || !here.State.IsActive())
            {
                faults.Add($"{torrent.Name}: the source's client shows {here?.RawState ?? "nothing"}, not seeding");
            }
            else if (!here.Tags.Contains("synced"))
            {
                faults.Add($"{torrent.Name}: no tag \"synced\" at the source's client");
            }
        }

        return faults;
    }
}
