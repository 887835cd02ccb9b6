using Prometheus;
using QbSync.Engine.Destination;
using QbSync.Torrents;

namespace QbSync.Engine;

internal sealed partial class EngineMetrics
{
    private Counter.Child? _stopErrors;
    private Counter.Child? _verificationErrors;
    private Counter? _filesEarly;
    private Counter? _earlyVerifyFailures;
    private Counter? _verificationRecoveries;
    private Counter? _orphanCleanups;
    private Histogram.Child? _finalizedIn;
    private Histogram.Child? _failedIn;
    private Gauge.Child[] _sessionStates = [];
    private Gauge? _finalizeQueue;

    /// <summary>A torrent is final, durably.</summary>
    public void DestinationTorrentSynced(InfoHash id, string name) => CountSynced(id, name);

    /// <summary>A finalization ended by itself; a failure is counted as such in both families.</summary>
    public void FinalizationEnded(bool success, TimeSpan duration)
    {
        (success ? _finalizedIn : _failedIn)!.Observe(duration.TotalSeconds);
        if (!success)
        {
            FinalizationFailed();
        }
    }

    /// <summary>A torrent failed for good.</summary>
    public void SessionFailed() => _outcomeFailure.Inc();

    /// <summary>A torrent that was added stopped was seen active, and stopping it failed.</summary>
    public void DestinationStopFailed() => _stopErrors!.Inc();

    public void VerificationFailed(int pieces) => _verificationErrors!.Inc(pieces);

    public void FileFinalizedEarly() => _filesEarly!.Inc();

    public void EarlyVerifyFailed() => _earlyVerifyFailures!.Inc();

    /// <summary>An orphan's own files and its record are all gone.</summary>
    public void OrphanCleaned() => _orphanCleanups!.Inc();

    public void VerificationRecovered() => _verificationRecoveries!.Inc();

    /// <summary>Reads gauges at each scrape from the snapshots that <paramref name="read"/> returns.</summary>
    public void ReadDestination(Func<DestinationGauges> read) => _scraped.Read(() =>
    {
        var gauges = read();
        for (var i = 0; i < _sessionStates.Length; i++)
        {
            _sessionStates[i].Set(_isRetired ? 0 : gauges.Sessions[i]);
        }

        _activeTorrents.Set(_isRetired ? 0 : gauges.Active);
        _finalizeQueue!.Set(_isRetired ? 0 : gauges.FinalizeQueue);
        ShowSpace(gauges.Root, _isRetired ? null : gauges.FreeBytes, gauges.MinFreeBytes);
    });

    partial void RegisterDestination(Counter dropped)
    {
        _finished = new FinishedSeries(_limits.Current.Finished, _mode, _torrentsSynced);
        _stopErrors = _factory.CreateCounter("qbsync_torrent_stop_errors_total", "Failures stopping torrents before handoff", ["mode"]).WithLabels(_mode);
        _verificationErrors = _factory.CreateCounter(
            "qbsync_verification_errors_total", "Piece verification failures during finalization", ["mode"]).WithLabels(_mode);
        _filesEarly = _factory.CreateCounter(
            "qbsync_files_early_finalized_total", "Files synced, closed, and renamed before torrent finalization");
        _earlyVerifyFailures = _factory.CreateCounter(
            "qbsync_early_finalize_verify_failures_total", "Files that failed read-back verification during early finalization (destination)");
        _verificationRecoveries = _factory.CreateCounter(
            "qbsync_verification_recoveries_total",
            "Torrents recovered from verification failure by marking pieces for re-streaming (destination)");
        _orphanCleanups = _factory.CreateCounter("qbsync_orphan_cleanups_total", "Orphan torrents cleaned up on destination");
        var finalization = _factory.CreateHistogram(
            "qbsync_finalization_duration_seconds",
            "Time to finalize a torrent on destination",
            ["result"],
            new HistogramConfiguration { Buckets = [.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120] });
        _finalizedIn = finalization.WithLabels("success");
        _failedIn = finalization.WithLabels("failure");
        _sessionStates = CreateStateGauges("absent", "opening", "receiving", "finalizing", "complete", "handed_off", "aborting", "failed");
        _finalizeQueue = CreateGauge("qbsync_finalization_queue_depth", "Torrents waiting for a finalization worker");
    }
}

/// <summary>What the destination's gauges show, as it was at one moment.</summary>
/// <param name="Sessions">Torrents by state, in the order of <see cref="TorrentSessionState"/>.</param>
/// <param name="Active">Torrents that open, receive or finalize.</param>
/// <param name="FinalizeQueue">Torrents that wait for a finalize worker.</param>
/// <param name="Root">Label of the root.</param>
/// <param name="FreeBytes">Free space; null when unknown.</param>
/// <param name="MinFreeBytes">Free space that is kept.</param>
internal sealed record DestinationGauges(IReadOnlyList<int> Sessions, int Active, int FinalizeQueue, string Root, long? FreeBytes, long MinFreeBytes);
