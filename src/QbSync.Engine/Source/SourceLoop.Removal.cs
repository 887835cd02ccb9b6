using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Tracking;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>What the user removed here: the destination is owed an outcome.</summary>
internal sealed partial class SourceLoop
{
    private readonly RemovalJudge _removals = new();
    private bool _hasList;

    /// <summary>Looks which torrents are gone from the client, and whether that is to be believed.</summary>
    private void JudgeRemovals(ClientSnapshot snapshot, HashSet<InfoHash> listed)
    {
        var update = snapshot.Update;
        _hasList |= update.Kind != ClientUpdateKind.Watched;
        HashSet<ClientTorrentId> named = [.. update.Removed];
        Dictionary<InfoHash, bool> known = [];
        foreach (var sync in _syncs.Values)
        {
            if (!listed.Contains(sync.Id))
            {
                OnVanished(sync);
            }

            // Whom we deleted ourselves is not removed by the user. One that is on its way may be: its handoff knows whether it has sent a delete.
            if (sync.State is not (TorrentSyncState.Removing or TorrentSyncState.Removed or TorrentSyncState.HandedOff)
                && sync.Handoff is not { Entry.Step: Handoff.HandoffStep.Deleting or Handoff.HandoffStep.Confirming })
            {
                known[sync.Id] = named.Contains(sync.ClientId);
            }
        }

        var believed = _removals.Judge(update.Kind, known, listed, update.Torrents.Count, Now);
        if (_removals.NewlyDoubted > 0)
        {
            Log.RemovalDoubted(_logger, _removals.NewlyDoubted, known.Count);
        }

        foreach (var id in believed)
        {
            OnRemoved(_syncs[id]);
        }
    }

    /// <summary>The client lists it no more; what it said last is kept for the destination.</summary>
    private void OnVanished(TorrentSync sync)
    {
        if (sync.Status is not { } last)
        {
            return;
        }

        if (sync.Finalize is { } stored)
        {
            sync.Finalize = PhaseWork.Keep(stored, _loader.ParametersOf(last));
        }

        sync.Status = null;
        Freeze(sync);
    }

    /// <summary>A removal in the client is believed: the destination is owed an outcome, over restarts if need be.</summary>
    private void OnRemoved(TorrentSync sync)
    {
        if (sync.State == TorrentSyncState.HandingOff)
        {
            sync.Handoff?.OnRemoved(sync.Id);
            return;
        }

        Log.Removed(_logger, sync.Name, sync.Id);
        var wasUnderWay = sync.State is TorrentSyncState.Initializing or TorrentSyncState.Streaming or TorrentSyncState.Finalizing;
        sync.AllArrived |= sync.Stream is { Table.IsAllAcknowledged: true };
        sync.Transition(TorrentSyncState.Removing, "it was removed from the client");
        ForgetStream(sync);
        if (wasUnderWay && !sync.AllArrived)
        {
            _with.Metrics.SyncAborted();
        }

        Persist(sync);
        Consider(sync);
    }

    private void Deliver(TorrentSync sync)
    {
        if (sync.OpenedThere)
        {
            StartPhase(sync, (input, progress, token) => _work.RemoveAsync(input, _options.SourceRemovedTag, progress, token));
        }
        else
        {
            Forget(sync);
        }
    }

    private void OnDelivered(TorrentSync sync, PhaseResult.Delivered delivered)
    {
        Log.Delivered(_logger, sync.Name, sync.Id, delivered.What);
        sync.OpenedThere = false;
        if (sync.State == TorrentSyncState.Removing)
        {
            Forget(sync);
            return;
        }

        if (delivered.WasAborted)
        {
            _with.Metrics.ExcludeAborted();
        }

        Persist(sync);
    }

    private void Forget(TorrentSync sync)
    {
        sync.Transition(TorrentSyncState.Removed, "nothing is owed");
        _syncs.Remove(sync.Id);
        _byClientId.Remove(sync.ClientId);
        _lastGrants.Remove(sync.Id);
        _moved.Remove(sync.Id);
        Write(sync.Id, null);
        _isReportDue = true;
    }
}
