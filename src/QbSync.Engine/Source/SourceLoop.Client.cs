using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Tracking;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private readonly Dictionary<ClientTorrentId, TorrentSync> _byClientId = [];
    private readonly HashSet<string> _clientWarnings = [];
    private bool? _clientOk;
    private string _clientProblem = "";

    private void OnClient(string problem)
    {
        _clientOk = problem.Length == 0;
        _clientProblem = problem;
        _isReportDue = true;
        if (problem.Length > 0)
        {
            _removals.ClientLost();
            return;
        }

        ReleaseHolds(FaultClass.TransientClient);
    }

    private void OnSeen(ClientSnapshot snapshot)
    {
        WarnOf(snapshot.Description);
        _lists.Publish(snapshot.Update);
        SeeForCleanup(snapshot);
        HashSet<InfoHash> listed = [];
        foreach (var status in snapshot.Update.Torrents)
        {
            if (Find(status) is { } sync)
            {
                listed.Add(sync.Id);
                Update(sync, status);
            }
            else if (IdOf(status) is { } id)
            {
                listed.Add(id);
                Discover(id, status);
            }
        }

        JudgeRemovals(snapshot, listed);
        foreach (var sync in _syncs.Values.ToArray())
        {
            Consider(sync);
        }

        _isScheduleDue = true;
        _isReportDue = true;
    }

    /// <summary>Settings of the client that cost the user something, once each: above all that it removes torrents by itself.</summary>
    private void WarnOf(ClientDescription client)
    {
        foreach (var warning in client.Warnings)
        {
            if (_clientWarnings.Add(warning))
            {
                Log.ClientWarning(_logger, warning);
            }
        }
    }

    private TorrentSync? Find(TorrentStatus status)
    {
        if (_byClientId.TryGetValue(status.Id, out var sync))
        {
            return sync;
        }

        // Another id of the same torrent: the client's version changed, or the record is of an earlier process.
        sync = status.V1.Length > 0 && _syncs.TryGetValue(status.V1, out var byV1) ? byV1
            : status.V2.Length > 0 && _syncs.TryGetValue(status.V2, out var byV2) ? byV2 : null;
        if (sync is not null)
        {
            _byClientId.Remove(sync.ClientId);
            sync.ClientId = status.Id;
            _byClientId[status.Id] = sync;
        }

        return sync;
    }

    private static InfoHash? IdOf(TorrentStatus status) => status.V1.Length > 0 ? status.V1 : status.V2.Length > 0 ? status.V2 : null;

    private void Discover(InfoHash id, TorrentStatus status)
    {
        var clientClass = ClientClasses.Of(status);
        if (_isLeaving || clientClass == ClientClass.NoMetadata || !(SourcePlanner.IsEligible(clientClass) || IsExcluded(status)))
        {
            return;
        }

        var sync = Add(id, status.Id, status.Name);
        sync.FirstSeen = _with.Clock.WallNow;
        sync.Status = status;
        if (IsExcluded(status))
        {
            sync.Begin(TorrentSyncState.Excluded, ExcludedByTag);
        }
        else if (_filter.Judge(status, null).Refusal is { } refusal)
        {
            sync.Begin(TorrentSyncState.Excluded, refusal);
        }
        else
        {
            sync.Begin(TorrentSyncState.Discovered, "the client has it");
        }
    }

    private TorrentSync Add(InfoHash id, ClientTorrentId clientId, string name)
    {
        var sync = new TorrentSync(id, clientId, name, _logger);
        _syncs[id] = sync;
        _byClientId[clientId] = sync;
        return sync;
    }

    private void Update(TorrentSync sync, TorrentStatus status)
    {
        if (ReferenceEquals(sync.Status, status))
        {
            return;
        }

        var before = sync.Status;
        var classBefore = sync.Class;
        sync.Status = status;
        OnListed(sync, status);
        sync.Filter = null;
        if (status.Tags.Contains(_options.SyncFailedTag) && sync.State == TorrentSyncState.Failed && !sync.FailedTagWasSeen)
        {
            sync.FailedTagWasSeen = true;
            Persist(sync);
        }

        KeepParameters(sync, before, status);

        // What waited for the user or the client to change something is looked at anew when something changed.
        if (sync.Hold is { Fault: null } hold && before is not null
            && (before.SelectedSize != status.SelectedSize || before.SavePath != status.SavePath || before.ContentPath != status.ContentPath))
        {
            sync.Hold = hold with { RetryAt = Now };
        }

        var moved = before is not null
            && (before.ContentPath != status.ContentPath || before.SavePath != status.SavePath || before.DownloadPath != status.DownloadPath
                || before.Name != status.Name
                || before.Category != status.Category || before.SelectedSize != status.SelectedSize || classBefore == ClientClass.Busy);
        sync.NeedsLook |= moved && sync.State is TorrentSyncState.Streaming;
        sync.NeedsLook |= sync.State == TorrentSyncState.Synced && sync.Completion is { } record && record.ClientSelectedSize != status.SelectedSize;
        if (sync.Stream is not null && classBefore != sync.Class)
        {
            Freeze(sync);
            Watch(sync);
        }
    }

    /// <summary>Pieces that a complete torrent has need no call; those of a downloading one are asked for by the monitor.</summary>
    private void Watch(TorrentSync sync)
    {
        if (sync is not { Stream: { } stream, Status: { } status })
        {
            return;
        }

        stream.IsLive = sync.Class != ClientClass.Complete;
        if (sync.Class == ClientClass.Complete)
        {
            var all = new PieceBitmap(stream.Table.PieceCount);
            all.SetAll();
            stream.Table.ApplyClient(all);
            _monitor.Unregister(status.Id);
            _pulse.Pulse();
        }
        else
        {
            _monitor.Register(status.Id, stream.Table.PieceCount);
        }
    }

    /// <summary>
    /// Nothing is read while the client checks or moves the files, or does not find them. That time counts for no piece that could not be read before.
    /// </summary>
    private static void Freeze(TorrentSync sync)
    {
        if (sync.Stream is not { } stream)
        {
            return;
        }

        var wasFrozen = stream.IsFrozen;
        stream.IsFrozen = sync.Class is null or ClientClass.NoMetadata or ClientClass.Busy or ClientClass.Broken;
        if (wasFrozen && !stream.IsFrozen)
        {
            stream.Table.ForgiveUnread();
        }
    }

    private void OnPieces(ClientTorrentId id, PieceBitmap has)
    {
        if (_byClientId.TryGetValue(id, out var sync) && sync is { Stream: { } stream, Class: not ClientClass.Complete }
            && stream.Table.PieceCount == has.Length)
        {
            stream.Table.ApplyClient(has);
            _pulse.Pulse();
        }
    }

    private string ExcludedByTag => $"the tag '{_options.ExcludeSyncTag}' forbids it";

    /// <summary>What the user's lists say; they count until something of the torrent is at the destination.</summary>
    private FilterVerdict Filter(TorrentSync sync) => sync is
    {
        State: TorrentSyncState.Discovered or TorrentSyncState.Excluded, OpenedThere: false, Completion: null, Status: { } status,
    }
        ? sync.Filter ??= _filter.Judge(status, sync.Traits)
        : default;

    private bool IsExcluded(TorrentStatus? status) =>
        _options.ExcludeSyncTag.Length > 0 && status is not null && status.Tags.Contains(_options.ExcludeSyncTag);

    private void ReleaseHolds(FaultClass fault)
    {
        foreach (var sync in _syncs.Values.ToArray())
        {
            if (sync.Hold?.Fault == fault)
            {
                sync.Hold = sync.Hold with { RetryAt = Now };
            }
        }
    }
}
