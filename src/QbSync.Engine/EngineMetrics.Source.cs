using Prometheus;
using QbSync.Engine.Source;
using QbSync.MetricFamilies;
using QbSync.Torrents;

namespace QbSync.Engine;

internal sealed partial class EngineMetrics
{
    private Counter.Child _pollErrors = null!;
    private Counter.Child _gateTrips = null!;
    private Gauge.Child _gateState = null!;
    private ICounter _pollSkips = null!;
    private ICounter _listReuses = null!;
    private ICounter _syncFailures = null!;
    private ICounter _excludeAborts = null!;
    private ICounter _selectionResyncs = null!;
    private IHistogram _syncLatency = null!;
    private IGauge _finalizationBackoffs = null!;
    private IGauge _completionRecords = null!;
    private IGauge _senderWorkers = null!;
    private IGauge _backlogBytes = null!;
    private IGauge _draining = null!;
    private Gauge.Child[] _sourceStates = [];
    private volatile bool _isDraining;
    private LiveSeries _live = null!;
    private Counter.Child _liveDropped = null!;

    public void GateOpened() => _gateTrips.Inc();

    public void PollFailed() => _pollErrors.Inc();

    public void PollSkipped() => _pollSkips.Inc();

    public void CycleListReused() => _listReuses.Inc();

    public void ExcludeAborted() => _excludeAborts.Inc();

    /// <summary>The destination took another selection of a synced torrent.</summary>
    public void SelectionResynced() => _selectionResyncs.Inc();

    public void SetDraining(bool isDraining) => _isDraining = isDraining;

    public void SyncFailed()
    {
        _syncFailures.Inc();
        _outcomeFailure.Inc();
    }

    /// <summary>A sync's completion record is durable.</summary>
    public void TorrentSynced(InfoHash id, string name, long bytes, DateTimeOffset at, TimeSpan age)
    {
        CountSynced(id, name, bytes, at);
        _syncLatency.Observe(age.TotalSeconds);
    }

    /// <summary>Gives the gauges what they read at a scrape.</summary>
    public void PublishSource(Func<SourceReport> report, Func<int> gateState, Live<SourceOptions> live)
    {
        Func<SourceReport> latest = () => _isRetired ? SourceReport.Empty : report();
        _scraped.Read(() =>
        {
            var options = live.Current;
            var now = latest();
            _senderWorkers.Set(options.NumSenders);
            _minFreeSpace.Set(options.MinSpace);
            _draining.Set(_isDraining && !_isRetired ? 1 : 0);
            _gateState.Set(gateState());
            _finalizationBackoffs.Set(now.FailedFinalizations);
            _completionRecords.Set(now.Records);
            if (_isRetired)
            {
                HideSpace();
            }

            foreach (var (root, free) in now.FreeBytes)
            {
                ShowSpace(root, free, options.MinSpace);
            }

            _deletableBytes.Set(now.DeletableBytes);
            var active = 0;
            var backlog = 0L;
            foreach (var torrent in now.Torrents)
            {
                active += torrent.State is TorrentSyncState.Initializing or TorrentSyncState.Streaming or TorrentSyncState.Finalizing ? 1 : 0;
                backlog += torrent.BacklogBytes;
            }

            _activeTorrents.Set(active);
            _backlogBytes.Set(backlog);
            for (var i = 0; i < _sourceStates.Length; i++)
            {
                _sourceStates[i].Set(i < now.States.Count ? now.States[i] : 0);
            }

            _liveDropped.Inc(_live.Show(latest));
            _finished.Show();
        });
    }

    partial void RegisterSource(Counter dropped)
    {
        _pollErrors = SharedMetricFamilies.StreamOpenErrors(_factory).WithLabels(_mode);
        _gateTrips = SharedMetricFamilies.CircuitBreakerTrips(_factory).WithLabels(_mode, "stream_queue");
        _gateState = _scraped.Add(SharedMetricFamilies.CircuitBreakerState(_factory).WithLabels(_mode, "stream_queue"));
        _pollSkips = _factory.CreateCounter("qbsync_idle_poll_skips_total", "Piece poll skips due to idle torrent detection");
        _listReuses = _factory.CreateCounter("qbsync_cycle_cache_hits_total", "Per-cycle completed-torrents cache reuses");
        _syncFailures = _factory.CreateCounter(
            "qbsync_sync_failed_total", "Torrents that failed verification repeatedly and were tagged as sync-failed (source)");
        _excludeAborts = _factory.CreateCounter(
            "qbsync_exclude_sync_abort_total", "Torrents aborted due to exclude-sync tag applied mid-sync (source)");
        _selectionResyncs = _factory.CreateCounter(
            "qbsync_file_selection_resyncs_total", "Re-syncs triggered by file selection changes (source)");
        _finished = new FinishedSeries(
            _limits.Current.Finished,
            _mode,
            _torrentsSynced,
            _factory.CreateCounter(
                "qbsync_torrent_bytes_synced_total", "Bytes synced per torrent (source only, for completed-transfers table)", ["hash", "name"]),
            _scraped.Add(_factory.CreateGauge(
                "qbsync_torrent_synced_timestamp_seconds",
                "Unix time at which the torrent was last synced",
                ["hash", "name"],
                new GaugeConfiguration { SuppressInitialValue = true })));
        _syncLatency = _factory.CreateHistogram(
            "qbsync_torrent_sync_latency_seconds",
            "End-to-end sync duration from download completion to destination finalization",
            new HistogramConfiguration { Buckets = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200] });
        _finalizationBackoffs = CreateGauge("qbsync_active_finalization_backoffs", "Torrents in finalization backoff (source)");
        _completionRecords = CreateGauge("qbsync_completed_on_dest_cache_size", "Torrents cached as complete on destination (source)");
        _senderWorkers = CreateGauge("qbsync_sender_workers_configured", "Concurrent sender workers configured (source)");
        _backlogBytes = CreateGauge("qbsync_backlog_bytes", "Selected bytes complete at the source and not held by the destination");
        RegisterCleanup();
        _draining = CreateGauge("qbsync_draining", "Shutdown drain in progress: 1=draining, 0=normal (source)");
        _sourceStates = CreateStateGauges([.. Enum.GetValues<TorrentSyncState>().Select(StateLabel)]);
        _liveDropped = dropped.WithLabels("live");
        _live = new LiveSeries(_factory, _scraped, _limits);
        RegisterHandoffs();
    }

    private static string StateLabel(TorrentSyncState state) => state switch
    {
        TorrentSyncState.Discovered => "discovered",
        TorrentSyncState.Initializing => "initializing",
        TorrentSyncState.Streaming => "streaming",
        TorrentSyncState.Finalizing => "finalizing",
        TorrentSyncState.Synced => "synced",
        TorrentSyncState.Failed => "failed",
        TorrentSyncState.Excluded => "excluded",
        TorrentSyncState.Removing => "removing",
        TorrentSyncState.Removed => "removed",
        TorrentSyncState.HandingOff => "handing_off",
        TorrentSyncState.HandedOff => "handed_off",
    };
}
