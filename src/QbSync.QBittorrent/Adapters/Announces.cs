using QbSync.Outcomes;
using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent.Adapters;

/// <summary>What the trackers of a torrent make of its announce. The status decides, a text never; pure.</summary>
internal static class Announces
{
    private const int Disabled = 0;
    private const int Working = 2;
    private const int Refused = 5;

    /// <summary>
    /// Accepted by one is accepted. A client older than 5.2 says <c>4, not working</c> for a refusal and for a tracker that is away alike: not yet.
    /// </summary>
    public static (AnnounceState State, string Text) Of(IReadOnlyList<TrackerRecord> trackers)
    {
        TrackerRecord[] real = [.. trackers.Where(static tracker => !IsPseudo(tracker) && tracker.Status is not Disabled)];
        if (real.Length == 0)
        {
            return (AnnounceState.None, "");
        }

        if (real.Any(static tracker => tracker.Status == Working))
        {
            return (AnnounceState.Accepted, "");
        }

        var refused = real.FirstOrDefault(static tracker => tracker.Status == Refused);
        return refused is not null
            ? (AnnounceState.Rejected, refused.Msg ?? "")
            : (AnnounceState.NotYet, real.FirstOrDefault(static tracker => !string.IsNullOrEmpty(tracker.Msg))?.Msg ?? "");
    }

    /// <summary>DHT, PeX and LSD are listed among the trackers, in brackets of stars and without a tier.</summary>
    private static bool IsPseudo(TrackerRecord tracker) =>
        string.IsNullOrEmpty(tracker.Url) || tracker.Url.StartsWith("**", StringComparison.Ordinal) || tracker.Tier is < 0;
}
