using QbSync.Outcomes;

namespace QbSync.Ports;

/// <summary>What became of the last announce to a tracker.</summary>
public enum TrackerStatus
{
    /// <summary>A status that this build does not know.</summary>
    Unknown = 0,

    /// <summary>It is not used.</summary>
    Disabled = 1,

    /// <summary>It was not asked yet.</summary>
    NotContacted = 2,

    /// <summary>It took the announce.</summary>
    Working = 3,

    /// <summary>It is being asked.</summary>
    Updating = 4,

    /// <summary>It refused, or is away: the client does not tell which.</summary>
    NotWorking = 5,

    /// <summary>It answered with an error.</summary>
    Refused = 6,

    /// <summary>It cannot be reached.</summary>
    Unreachable = 7,
}

/// <summary>A tracker of a torrent.</summary>
/// <param name="Url">Where it is. Secret: it may hold a passkey.</param>
/// <param name="Tier">Lower ones are asked first; null when not told.</param>
/// <param name="Status">What became of the last announce.</param>
/// <param name="Text">Its own words, for people; empty for none.</param>
public sealed record TorrentTracker(string Url, int? Tier, TrackerStatus Status, string Text);

/// <summary>Sums up trackers.</summary>
public static class TorrentTrackers
{
    /// <summary>
    /// What they make of a torrent's announce. Accepted by one is accepted; a refusal counts where the client tells it from a tracker that is
    /// away; anything else is not yet. A status decides, a text never.
    /// </summary>
    public static (AnnounceState State, string Text) GetAnnounce(this IReadOnlyList<TorrentTracker> trackers)
    {
        TorrentTracker[] used = [.. trackers.Where(static tracker => tracker.Status != TrackerStatus.Disabled)];
        if (used.Length == 0)
        {
            return (AnnounceState.None, "");
        }

        if (Array.Exists(used, static tracker => tracker.Status == TrackerStatus.Working))
        {
            return (AnnounceState.Accepted, "");
        }

        return Array.Find(used, static tracker => tracker.Status == TrackerStatus.Refused) is { } refused
            ? (AnnounceState.Rejected, refused.Text)
            : (AnnounceState.NotYet, Array.Find(used, static tracker => tracker.Text.Length > 0)?.Text ?? "");
    }
}
