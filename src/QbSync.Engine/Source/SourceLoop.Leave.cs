using QbSync.Engine.Source.Records;
using QbSync.Engine.Source.Tracking;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    /// <summary>Takes up what earlier processes left: nothing of it is trusted before the destination confirmed it.</summary>
    private void Restore(IReadOnlyList<TorrentRecord> records)
    {
        foreach (var record in records)
        {
            var id = InfoHash.Parse(record.Id);
            _inHand = id;
            var sync = Add(id, new ClientTorrentId(record.ClientId), record.Name);
            sync.Strikes = new StrikeLedger(record.Strikes);
            sync.FirstSeen = record.FirstSeen;
            sync.Finalize = record.Finalize;
            sync.OpenedThere = record.OpenedThere;
            sync.AllArrived = record.AllArrived;
            sync.WasComplete = record.WasComplete || record.Completion is not null;
            sync.FailedTagWasSeen = record.FailedTagWasSeen;
            sync.Completion = record.Completion;
            sync.NeedsValidation = record.Completion is not null;
            sync.FinishedAt = sync.ArrivedAt = record.Completion?.SyncedAt;
            sync.HandedOff = record.HandedOff;
            sync.HandoffFailures = record.HandoffFailures;
            sync.HandoffRestsUntil = record.HandoffRestsUntil;
            sync.LookedAt = SelectionWatcher.Spread(id, Now);
            sync.Begin(
                record.State switch
                {
                    TorrentSyncState.Synced when record.Completion is not null => TorrentSyncState.Synced,
                    TorrentSyncState.HandingOff when record.Completion is not null => TorrentSyncState.HandingOff,
                    TorrentSyncState.HandedOff when record.HandedOff is not null => TorrentSyncState.HandedOff,
                    TorrentSyncState.Failed or TorrentSyncState.Excluded or TorrentSyncState.Removing => record.State,
                    TorrentSyncState.Discovered or TorrentSyncState.Initializing or TorrentSyncState.Streaming or TorrentSyncState.Finalizing
                        or TorrentSyncState.Synced or TorrentSyncState.HandingOff or TorrentSyncState.HandedOff or TorrentSyncState.Removed =>
                        TorrentSyncState.Discovered,
                },
                "as recorded");
            if (sync.State == TorrentSyncState.Failed)
            {
                sync.Reason = record.Reason;
                sync.FailedAt = record.FailedAt ?? _with.Clock.WallNow;
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
        WasComplete = sync.WasComplete,
        FailedTagWasSeen = sync.FailedTagWasSeen,
        Reason = sync.State == TorrentSyncState.Failed ? sync.Reason : "",
        FailedAt = sync.FailedAt,
        Finalize = sync.Finalize,
        Completion = sync.Completion,
        HandedOff = sync.HandedOff,
        HandoffFailures = sync.HandoffFailures,
        HandoffRestsUntil = sync.HandoffRestsUntil,
    };
}
