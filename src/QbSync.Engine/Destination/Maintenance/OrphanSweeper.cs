using Microsoft.Extensions.Logging;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Maintenance;

/// <summary>
/// Ends unfinished torrents that no source asks for any more: after a long time without contact, counted in this destination's own running time, and only
/// while the client answers and lacks them. What needs nothing is made final instead. Runs in the engine's loop only.
/// </summary>
internal sealed partial class OrphanSweeper(
    DestinationOptions options, ITorrentStore store, ClientWatch? watch, EngineMetrics metrics, ILogger<OrphanSweeper> logger)
{
    /// <summary>How long a client may lack a torrent that was handed over and closed, before its record goes, too.</summary>
    private static readonly TimeSpan ClosedAge = TimeSpan.FromHours(24);

    /// <summary>Age below which nothing is recorded: a session that hears of its source is not worth a write.</summary>
    private static readonly TimeSpan RecordedFrom = TimeSpan.FromMinutes(10);

    /// <summary>One scan.</summary>
    public async Task ScanAsync(IReadOnlyCollection<TorrentSession> sessions, CancellationToken cancellationToken)
    {
        foreach (var session in sessions)
        {
            if (session.Uncontacted >= RecordedFrom || session.View.Storage?.Uncontacted > TimeSpan.Zero)
            {
                session.RecordContact();
            }
        }

        if (options.OrphanSweep == OrphanSweepMode.Off)
        {
            return;
        }

        foreach (var session in sessions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await SweepAsync(session).ConfigureAwait(false);
        }

        try
        {
            var remove = options.OrphanSweep == OrphanSweepMode.Delete;
            foreach (var path in await store.SweepLeftoversAsync(options.OrphanAge, remove, cancellationToken).ConfigureAwait(false))
            {
                Log.Leftover(logger, path, remove ? "removed" : "left");
            }
        }
        catch (StorageException e)
        {
            Log.CannotSweep(logger, e.Message);
        }
    }

    /// <summary>The torrents that a scan would end now, with every path that would go.</summary>
    public IReadOnlyList<OrphanTorrent> List(IEnumerable<TorrentSession> sessions) =>
        [.. sessions.Where(IsOrphan).Select(Describe).OrderByDescending(static orphan => orphan.Age)];

    private async Task SweepAsync(TorrentSession session)
    {
        if (session.LackedClosedFor >= ClosedAge)
        {
            await session.ForgetClosedAsync().ConfigureAwait(false);
            return;
        }

        if (!IsOrphan(session))
        {
            return;
        }

        var orphan = Describe(session);
        if (options.OrphanSweep == OrphanSweepMode.List)
        {
            Log.Listed(logger, orphan.Id, orphan.Age, orphan.Bytes, string.Join(", ", orphan.Paths));
            return;
        }

        switch (await session.EndOrphanAsync(options.OrphanAge).ConfigureAwait(false))
        {
            case OrphanEnd.Removed:
                metrics.OrphanCleaned();
                Log.Removed(logger, orphan.Id, orphan.Age, orphan.Bytes);
                break;
            case OrphanEnd.Finalized:
                Log.Finalizes(logger, orphan.Id, orphan.Age);
                break;
        }
    }

    private bool IsOrphan(TorrentSession session)
    {
        var view = session.View;
        return view is { State: TorrentSessionState.Receiving or TorrentSessionState.Failed, Storage: { } storage, IsRetired: false }
            && session.Uncontacted >= options.OrphanAge
            && watch is { IsOk: true, Snapshot: { IsWhole: true } snapshot }
            && snapshot.Find(storage.Request.Manifest.V1, storage.Request.Manifest.V2) is null;
    }

    private static OrphanTorrent Describe(TorrentSession session)
    {
        var (id, view) = (session.Id, session.View);
        var unfinished = view.Storage?.ListUnfinished() ?? [];
        return new OrphanTorrent(
            id, view.Storage?.Request.Manifest.Name ?? "", session.Uncontacted, unfinished.Sum(static file => file.Bytes), [.. unfinished.Select(static file => file.Path)]);
    }
}

/// <summary>How a session that nobody asks for ended.</summary>
internal enum OrphanEnd
{
    /// <summary>It goes on: it heard of its source meanwhile.</summary>
    Kept = 0,

    /// <summary>It needs nothing, so it is made final.</summary>
    Finalized = 1,

    /// <summary>Its own unfinished files and its record are gone.</summary>
    Removed = 2,
}
