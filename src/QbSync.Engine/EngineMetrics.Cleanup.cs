using Prometheus;
using QbSync.Engine.Source.Handoff;

namespace QbSync.Engine;

internal sealed partial class EngineMetrics
{
    private Counter.Child _groupsHandedOff = null!;
    private Counter.Child _groupsFailed = null!;
    private Counter.Child _groupsTooYoung = null!;
    private IGauge _deletableBytes = null!;
    private Counter.Child[] _deletesBlocked = [];

    /// <summary>A group that cleanup or a drain took on ended: with all its torrents handed off, or not.</summary>
    public void CleanupGroup(bool isHandedOff) => (isHandedOff ? _groupsHandedOff : _groupsFailed).Inc();

    /// <summary>A group stays for nothing but its least seeding time.</summary>
    public void CleanupSkippedSeeding() => _groupsTooYoung.Inc();

    /// <summary>A torrent was to be deleted, and that was refused for this pass; its data stays.</summary>
    public void DeleteBlocked(DeleteBlock reason)
    {
        if (reason != DeleteBlock.None)
        {
            _deletesBlocked[(int)reason - 1].Inc();
        }
    }

    private void RegisterCleanup()
    {
        var blocked = _factory.CreateCounter(
            "qbsync_deletes_blocked_total", "Deletes of torrents at the source that were wanted and refused, by torrent and pass", ["reason"]);
        _deletesBlocked =
        [
            .. ((string[])["no_proof", "proof_stale", "destination_unreachable", "destination_not_seeding", "shared_files", "announce_refused"])
                .Select(reason => blocked.WithLabels(reason)),
        ];
        var groups = _factory.CreateCounter("qbsync_cleanup_groups_total", "Hardlink groups processed during source cleanup", ["result"]);
        _groupsHandedOff = groups.WithLabels("success");
        _groupsFailed = groups.WithLabels("failure");
        _groupsTooYoung = groups.WithLabels("skipped_seeding");
        _deletableBytes = CreateGauge("qbsync_deletable_bytes", "Bytes that cleanup could free now");
    }
}
