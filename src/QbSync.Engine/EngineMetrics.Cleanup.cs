using Prometheus;

namespace QbSync.Engine;

internal sealed partial class EngineMetrics
{
    private Counter.Child _groupsHandedOff = null!;
    private Counter.Child _groupsFailed = null!;
    private Counter.Child _groupsTooYoung = null!;
    private IGauge _deletableBytes = null!;

    /// <summary>A group that cleanup or a drain took on ended: with all its torrents handed off, or not.</summary>
    public void CleanupGroup(bool isHandedOff) => (isHandedOff ? _groupsHandedOff : _groupsFailed).Inc();

    /// <summary>A group stays for nothing but its least seeding time.</summary>
    public void CleanupSkippedSeeding() => _groupsTooYoung.Inc();

    private void RegisterCleanup()
    {
        var groups = _factory.CreateCounter("qbsync_cleanup_groups_total", "Hardlink groups processed during source cleanup", ["result"]);
        _groupsHandedOff = groups.WithLabels("success");
        _groupsFailed = groups.WithLabels("failure");
        _groupsTooYoung = groups.WithLabels("skipped_seeding");
        _deletableBytes = _factory.CreateGauge("qbsync_deletable_bytes", "Bytes that cleanup could free now");
    }
}
