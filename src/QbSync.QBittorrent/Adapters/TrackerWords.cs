using QbSync.Ports;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Versions;

namespace QbSync.QBittorrent.Adapters;

/// <summary>The client's numbers for a tracker's status; pure.</summary>
internal static class TrackerWords
{
    /// <summary>The trackers proper: DHT, PeX and LSD are listed among them, in brackets of stars and without a tier.</summary>
    public static IReadOnlyList<TorrentTracker> Of(IReadOnlyList<TrackerRecord> trackers, WebApiProfile profile) =>
    [
        .. trackers.Where(static tracker => !string.IsNullOrEmpty(tracker.Url)
                && !tracker.Url.StartsWith("**", StringComparison.Ordinal)
                && tracker.Tier is not < 0)
            .Select(tracker => new TorrentTracker(
                tracker.Url!,
                tracker.Tier is >= 0 and <= int.MaxValue and var tier ? (int)tier : null,
                Parse(tracker.Status, profile),
                tracker.Msg ?? "")),
    ];

    /// <summary>The status. Before 5.2 a refusal and a tracker that is away are one number.</summary>
    public static TrackerStatus Parse(long? status, WebApiProfile profile) => status switch
    {
        0 => TrackerStatus.Disabled,
        1 => TrackerStatus.NotContacted,
        2 => TrackerStatus.Working,
        3 => TrackerStatus.Updating,
        4 => TrackerStatus.NotWorking,
        5 when profile.TellsRefusedAnnounces => TrackerStatus.Refused,
        6 when profile.TellsRefusedAnnounces => TrackerStatus.Unreachable,
        _ => TrackerStatus.Unknown,
    };
}
