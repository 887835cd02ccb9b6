using QbSync.Engine.Source.Handoff;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>One side seeds: what is seen active on both is settled, or told.</summary>
internal sealed partial class SourceLoop
{
    private readonly HashSet<InfoHash> _seedTwice = [];
    private readonly HashSet<InfoHash> _toldTwice = [];
    private volatile int _doubles;

    /// <summary>A synced torrent's status came in.</summary>
    private void WatchSeeding(TorrentSync sync, DestinationTorrentStatus there)
    {
        var need = sync.State == TorrentSyncState.Synced ? SeedingWatchdog.Judge(sync.Status, there) : SeedingNeed.None;
        switch (need)
        {
            case SeedingNeed.TakeBack when !_toldTwice.Contains(sync.Id):
                Log.TakesBack(_logger, sync.Name, sync.Id);
                StartPhase(sync, _work.WithdrawAsync);
                break;
            case SeedingNeed.Tell when _toldTwice.Add(sync.Id):
                Log.SeedsTwice(_logger, sync.Name, sync.Id);
                break;
            case SeedingNeed.LookAgain:
                Log.NotWholeThere(_logger, sync.Name, sync.Id, there.Client!.State);
                break;
            case SeedingNeed.None:
                _toldTwice.Remove(sync.Id);
                break;
        }

        CountTwice(sync.Id, need is SeedingNeed.TakeBack or SeedingNeed.Tell);
    }

    /// <summary>A start there was taken back. What is active there all the same is its user's.</summary>
    private void OnWithdrawn(TorrentSync sync, ClientView? seen)
    {
        if (seen is { } client && client.State.IsStopped())
        {
            CountTwice(sync.Id, false);
        }
        else if (_toldTwice.Add(sync.Id))
        {
            Log.SeedsTwice(_logger, sync.Name, sync.Id);
        }
    }

    private void CountTwice(InfoHash id, bool seedsTwice)
    {
        if (seedsTwice ? _seedTwice.Add(id) : _seedTwice.Remove(id))
        {
            _doubles = _seedTwice.Count;
        }
    }
}
