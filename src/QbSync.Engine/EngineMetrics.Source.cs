using Prometheus;
using QbSync.Metrics;

namespace QbSync.Engine;

internal sealed partial class EngineMetrics
{
    private Counter.Child _pollErrors = null!;
    private ICounter _pollSkips = null!;
    private ICounter _listReuses = null!;

    public void PollFailed() => _pollErrors.Inc();

    public void PollSkipped() => _pollSkips.Inc();

    public void CycleListReused() => _listReuses.Inc();

    partial void RegisterSource(Counter dropped)
    {
        _pollErrors = SharedMetricFamilies.StreamOpenErrors(_factory).WithLabels(_mode);
        _pollSkips = _factory.CreateCounter("qbsync_idle_poll_skips_total", "Piece poll skips due to idle torrent detection");
        _listReuses = _factory.CreateCounter("qbsync_cycle_cache_hits_total", "Per-cycle completed-torrents cache reuses");
    }
}
