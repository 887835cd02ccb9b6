namespace QbSync.Engine;

/// <summary>
/// How and when a source hands torrents over: stopped here, started at the destination, proven there, deleted here. Settable, with defaults;
/// <see cref="Validate"/> names every fault at once.
/// </summary>
public sealed class HandoffOptions
{
    private static readonly TimeSpan MostOverlap = TimeSpan.FromHours(24);
    private static readonly TimeSpan MostGrace = TimeSpan.FromDays(30);

    /// <summary>When it is done.</summary>
    /// <value><see cref="HandoffMode.Pressure"/>.</value>
    public HandoffMode Mode { get; set; }

    /// <summary>Which go first when the source is short of space.</summary>
    /// <value><see cref="EvictionOrder.Density"/>.</value>
    public EvictionOrder Eviction { get; set; }

    /// <summary>Least time that a torrent has seeded at the source before it is handed over; not asked in a drain.</summary>
    /// <value>1 h; not negative.</value>
    public TimeSpan MinSeedingTime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Time in which both sides may seed; a private torrent never does.</summary>
    /// <value>0, so that one side seeds at a time; at most 24 h.</value>
    public TimeSpan Overlap { get; set; }

    /// <summary>Time from the start at the destination to the delete at the source; none in a drain.</summary>
    /// <value>10 min; at most 30 days.</value>
    public TimeSpan DeleteGrace { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether a tracker has to accept the destination before anything is deleted.</summary>
    /// <value>True; a torrent without trackers passes.</value>
    public bool VerifyAnnounce { get; set; } = true;

    /// <summary>How long that is waited for.</summary>
    /// <value>2 min; 1 s to 1 h.</value>
    public TimeSpan AnnounceTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Tag by which the user keeps a torrent at the source, but for a drain.</summary>
    /// <value>Empty by default: none is kept.</value>
    public string ExcludeCleanupTag { get; set; } = "";

    /// <summary>Longest time of a drain.</summary>
    /// <value>5 min; 10 s to 24 h.</value>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A copy that nobody else changes, with what a running engine cannot change taken from <paramref name="current"/>.</summary>
    internal HandoffOptions WithFixedOf(HandoffOptions current)
    {
        var copy = (HandoffOptions)MemberwiseClone();
        copy.DrainTimeout = current.DrainTimeout;
        return copy;
    }

    /// <summary>Every fault of these values, each beginning with its option and a colon.</summary>
    public IReadOnlyList<string> Validate() => [.. FindFaults()];

    private IEnumerable<string> FindFaults()
    {
        if (!Enum.IsDefined(Mode))
        {
            yield return $"handoff: {Mode} is no choice.";
        }

        if (!Enum.IsDefined(Eviction))
        {
            yield return $"eviction: {Eviction} is no choice.";
        }

        if (MinSeedingTime < TimeSpan.Zero)
        {
            yield return $"min-seeding-time: {MinSeedingTime} is negative.";
        }

        if (Overlap < TimeSpan.Zero || Overlap > MostOverlap)
        {
            yield return $"overlap: {Overlap} is not between 0 and 24 h.";
        }

        if (DeleteGrace < TimeSpan.Zero || DeleteGrace > MostGrace)
        {
            yield return $"delete-grace: {DeleteGrace} is not between 0 and 30 days.";
        }

        if (AnnounceTimeout < TimeSpan.FromSeconds(1) || AnnounceTimeout > TimeSpan.FromHours(1))
        {
            yield return $"announce-timeout: {AnnounceTimeout} is not between 1 s and 1 h.";
        }

        if (DrainTimeout < TimeSpan.FromSeconds(10) || DrainTimeout > TimeSpan.FromHours(24))
        {
            yield return $"drain-timeout: {DrainTimeout} is not between 10 s and 24 h.";
        }

        if (ExcludeCleanupTag.Contains(',', StringComparison.Ordinal))
        {
            yield return $"exclude-cleanup-tag: '{ExcludeCleanupTag}' holds a comma, which separates tags in a client.";
        }
    }
}
