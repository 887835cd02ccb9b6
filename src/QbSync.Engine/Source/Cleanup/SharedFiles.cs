using Microsoft.Extensions.Logging;
using QbSync.Engine.Source.Handoff;
using QbSync.Ports;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>The look at all owners of a group's files right before its delete, with lists that are asked for anew. Thread-safe.</summary>
internal sealed partial class SharedFiles(PathIndex index, ILogger<SharedFiles> logger) : ISharedFiles
{
    /// <inheritdoc />
    public async Task<IReadOnlySet<ClientTorrentId>?> FindAsync(
        IReadOnlyCollection<ClientTorrentId> members, ClientUpdate list, CancellationToken cancellationToken)
    {
        if (list.Kind == ClientUpdateKind.Watched)
        {
            Log.NotTold(logger, "the client was asked for some of its torrents only");
            return null; // A torrent that was added meanwhile would not be in it.
        }

        if (list.Torrents.Count * 2 < index.KnownTorrents)
        {
            Log.NotTold(logger, "the client lists less than half of what it had");
            return null;
        }

        var survey = await index.SurveyAsync(list.Torrents, members, cancellationToken).ConfigureAwait(false);
        if (survey is null)
        {
            Log.NotTold(logger, "the client did not tell the files of every torrent");
            return null;
        }

        var (sharing, doubt) = HardlinkGroups.FindShared(survey.Torrents, members.ToHashSet());
        if (doubt.Length > 0)
        {
            Log.NotTold(logger, doubt);
            return null;
        }

        if (sharing.Count > 0)
        {
            Log.FilesStay(logger, string.Join(", ", survey.Torrents.Where(torrent => sharing.Contains(torrent.Id)).Select(static torrent => torrent.Status.Name)));
        }

        return sharing;
    }
}
