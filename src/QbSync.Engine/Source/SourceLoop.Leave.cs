using QbSync.Engine.Source.Records;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    /// <summary>A removal in the client is believed: the destination is owed an outcome, over restarts if need be.</summary>
    private void OnRemoved(TorrentSync sync)
    {
        if (sync.State is TorrentSyncState.Removing or TorrentSyncState.Removed)
        {
            return;
        }

        Log.Removed(_logger, sync.Name, sync.Id);
        var wasUnderWay = sync.State is TorrentSyncState.Initializing or TorrentSyncState.Streaming or TorrentSyncState.Finalizing;
        sync.AllArrived |= sync.Stream is { Table.IsAllAcknowledged: true };
        if (sync.State == TorrentSyncState.Synced)
        {
            // The copy there is complete and stays; nothing is owed.
            sync.OpenedThere = false;
        }

        sync.Status = null;
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
        if (!sync.OpenedThere)
        {
            Forget(sync);
        }
        else if (sync.AllArrived && sync.Finalize is not null)
        {
            StartPhase(sync, _work.FinalizeGoneAsync);
        }
        else
        {
            StartPhase(sync, (input, progress, token) => _work.AbortAsync(input, AbortCause.RemovedAtSource, progress, token));
        }
    }

    private void OnDelivered(TorrentSync sync, bool wasAborted)
    {
        sync.OpenedThere = false;
        if (sync.State == TorrentSyncState.Removing)
        {
            Forget(sync);
            return;
        }

        if (wasAborted)
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

    /// <summary>Takes up what earlier processes left: nothing of it is trusted before the destination confirmed it.</summary>
    private void Restore(IReadOnlyList<TorrentRecord> records)
    {
        foreach (var record in records)
        {
            var id = InfoHash.Parse(record.Id);
            var sync = Add(id, new ClientTorrentId(record.ClientId), record.Name);
            sync.Strikes = new StrikeLedger(record.Strikes);
            sync.FirstSeen = record.FirstSeen;
            sync.Finalize = record.Finalize;
            sync.OpenedThere = record.OpenedThere;
            sync.AllArrived = record.AllArrived;
            sync.FailedTagWasSeen = record.FailedTagWasSeen;
            sync.Completion = record.Completion;
            sync.NeedsValidation = record.Completion is not null;
            sync.FinishedAt = sync.ArrivedAt = record.Completion?.SyncedAt;
            sync.Begin(
                record.State switch
                {
                    TorrentSyncState.Synced when record.Completion is not null => TorrentSyncState.Synced,
                    TorrentSyncState.Failed or TorrentSyncState.Excluded or TorrentSyncState.Removing => record.State,
                    TorrentSyncState.Discovered or TorrentSyncState.Initializing or TorrentSyncState.Streaming or TorrentSyncState.Finalizing
                        or TorrentSyncState.Synced or TorrentSyncState.HandingOff or TorrentSyncState.HandedOff or TorrentSyncState.Removed =>
                        TorrentSyncState.Discovered,
                },
                "as recorded");
            if (sync.State == TorrentSyncState.Failed)
            {
                sync.Reason = record.Reason;
            }
        }
    }

    private void Persist(TorrentSync sync) => Write(sync.Id, RecordOf(sync));

    private void Write(InfoHash id, TorrentRecord? record) => Track(WriteAsync(id, record));

    private async Task WriteAsync(InfoHash id, TorrentRecord? record) =>
        // A failed write was logged where it failed; the state is written again with the next change.
        await _records.WriteAsync(id, record, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private static TorrentRecord RecordOf(TorrentSync sync) => new()
    {
        Id = sync.Id.ToString(),
        ClientId = sync.ClientId.Value,
        Name = sync.Name,
        State = sync.State,
        Strikes = [.. sync.Strikes.At],
        FirstSeen = sync.FirstSeen,
        OpenedThere = sync.OpenedThere,
        AllArrived = sync.AllArrived,
        FailedTagWasSeen = sync.FailedTagWasSeen,
        Reason = sync.State == TorrentSyncState.Failed ? sync.Reason : "",
        Finalize = sync.Finalize,
        Completion = sync.Completion,
    };
}
