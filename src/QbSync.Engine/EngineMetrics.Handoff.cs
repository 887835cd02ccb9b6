using Prometheus;
using QbSync.Engine.Source.Handoff;

namespace QbSync.Engine;

internal sealed partial class EngineMetrics
{
    private Counter.Child _sourceStopErrors = null!;
    private Counter.Child _resumeErrors = null!;
    private Counter.Child[] _handoffs = [];
    private Counter.Child _handoffLeft = null!;
    private ICounter _cleanupHandedOff = null!;
    private IHistogram _handoffGap = null!;
    private IGauge _handoffOverdue = null!;
    private IGauge _doubleSeeding = null!;

    /// <summary>The stop that begins a handoff failed or was not read back.</summary>
    public void SourceStopFailed() => _sourceStopErrors.Inc();

    /// <summary>A start of what goes back failed or was not read back; per try.</summary>
    public void ResumeFailed() => _resumeErrors.Inc();

    /// <summary>The delete that ends a handoff of a cleanup or drain was read back.</summary>
    public void CleanupHandedOff() => _cleanupHandedOff.Inc();

    public void HandoffEnded(HandoffResult result) => _handoffs[(int)result].Inc();

    /// <summary>It is left to the next process.</summary>
    public void HandoffLeft() => _handoffLeft.Inc();

    /// <summary>From stopped here to active there.</summary>
    public void HandoffGap(TimeSpan gap) => _handoffGap.Observe(gap.TotalSeconds);

    /// <summary>Gives the gauges what they read at a scrape.</summary>
    public void PublishHandoffs(Func<TimeSpan> overdue, Func<int> doubles) => _scraped.Read(() =>
    {
        _handoffOverdue.Set(_isRetired ? 0 : overdue().TotalSeconds);
        _doubleSeeding.Set(_isRetired ? 0 : doubles());
    });

    private void RegisterHandoffs()
    {
        _sourceStopErrors = _factory.CreateCounter("qbsync_torrent_stop_errors_total", "Failures stopping torrents before handoff", ["mode"]).WithLabels(_mode);
        _resumeErrors = _factory.CreateCounter(
            "qbsync_torrent_resume_errors_total", "Failures resuming torrents after handoff rollback", ["mode"]).WithLabels(_mode);
        _cleanupHandedOff = _factory.CreateCounter("qbsync_cleanup_torrents_handed_off_total", "Torrents handed off from source to destination");
        var handoffs = _factory.CreateCounter("qbsync_handoff_total", "Handoffs that ended, by outcome", ["result"]);
        _handoffs = [handoffs.WithLabels("success"), handoffs.WithLabels("rolled_back"), handoffs.WithLabels("refused")];
        _handoffLeft = handoffs.WithLabels("failure");
        _handoffGap = _factory.CreateHistogram(
            "qbsync_handoff_seeding_gap_seconds",
            "Time from a torrent seen stopped at the source to seen active at the destination",
            new HistogramConfiguration { Buckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800] });
        _handoffOverdue = CreateGauge("qbsync_handoff_overdue_seconds", "Longest time that an open handoff is past the bound of its step");
        _doubleSeeding = CreateGauge("qbsync_double_seeding_torrents", "Torrents last seen active on both sides with no overlap allowed");
    }
}
