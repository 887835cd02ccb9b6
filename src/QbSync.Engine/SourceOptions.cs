using QbSync.Engine.Source.Streaming;

namespace QbSync.Engine;

/// <summary>What a source engine is told by its user. Settable, with defaults; <see cref="Validate"/> names every fault at once.</summary>
public sealed class SourceOptions
{
    /// <summary>Local folder that holds what the client downloads.</summary>
    /// <value>No default; required. The client's default save path is taken for this folder unless <see cref="PathMap"/> says otherwise.</value>
    public string Data { get; set; } = "";

    /// <summary>Which folders of the client are which local folders; the longest prefix wins.</summary>
    /// <value>Empty by default: the client's default save path is <see cref="Data"/>, and a path inside <see cref="Data"/> is itself.</value>
    public IReadOnlyList<PathMapping> PathMap { get; set; } = [];

    /// <summary>Tag for what is synced.</summary>
    /// <value><c>synced</c>; empty for no tag.</value>
    public string SyncedTag { get; set; } = "synced";

    /// <summary>Tag for what failed for good; removing it in the client asks for another try.</summary>
    /// <value><c>sync-failed</c>; empty for no tag.</value>
    public string SyncFailedTag { get; set; } = "sync-failed";

    /// <summary>Tag that other roles set on what was removed here; never copied to the destination.</summary>
    /// <value><c>source-removed</c>; empty for no tag.</value>
    public string SourceRemovedTag { get; set; } = "source-removed";

    /// <summary>Tag by which the user forbids a torrent.</summary>
    /// <value>Empty by default: nothing is forbidden.</value>
    public string ExcludeSyncTag { get; set; } = "";

    /// <summary>Which torrents are synced.</summary>
    /// <value>All by default.</value>
    public SyncFilterOptions Filter { get; set; } = new();

    /// <summary>Which of the torrents that are complete here is sent first.</summary>
    /// <value><see cref="BacklogOrder.FinishFirst"/>. One that got nothing for 10 minutes though it had something to send gets a little each minute.</value>
    public BacklogOrder Order { get; set; }

    /// <summary>Torrents with pieces on their way at once.</summary>
    /// <value>0 for no limit; at most 100,000.</value>
    public int MaxActive { get; set; }

    /// <summary>How and when torrents are handed over.</summary>
    /// <value>As <see cref="HandoffOptions"/> says.</value>
    public HandoffOptions Handoff { get; set; } = new();

    /// <summary>Time between looks at the client while anything moves.</summary>
    /// <value>500 ms; at least 50 ms. Quiet clients are looked at less, down to every 5 s.</value>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Time between housekeeping cycles.</summary>
    /// <value>30 s; at least 1 s.</value>
    public TimeSpan Sleep { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Workers that read, check and hand over pieces; there is at least one for each open stream.</summary>
    /// <value>4; 1 to 256.</value>
    public int NumSenders { get; set; } = 4;

    /// <summary>Bytes read and not yet handed over.</summary>
    /// <value>64 MiB; at least 4 MiB.</value>
    public long ReadAhead { get; set; } = 64L << 20;

    /// <summary>
    /// Free space at the source below which it is short of space: torrents that are complete get three times the share, and what is synced is handed
    /// over if <see cref="HandoffOptions.Mode"/> says so.
    /// </summary>
    /// <value>50 GiB, in bytes; 0 for never.</value>
    public long MinSpace { get; set; } = 50L << 30;

    /// <summary>Times of the week with a rate of their own, by the local clock; the first that holds counts.</summary>
    /// <value>Empty by default: the link keeps the rate it was made with.</value>
    public IReadOnlyList<RateWindow> BandwidthSchedule { get; set; } = [];

    /// <summary>Rate outside of <see cref="BandwidthSchedule"/>; without a schedule it is not looked at.</summary>
    /// <value>0 for no limit, else bytes a second, at least 64 KiB.</value>
    public long RateLimit { get; set; }

    /// <summary>Longest pause between tries to reach the destination.</summary>
    /// <value>30 s; at least 1 s.</value>
    public TimeSpan ReconnectMaxDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Deadline of one call to the destination.</summary>
    /// <value>10 s; at least 1 s.</value>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long the link has to close when the engine stops. It awaits acknowledgements in flight for thirty seconds by itself, counts the rest as lost and ends its
    /// streams; without the time for that nobody would see the count.
    /// </summary>
    /// <value>45 s.</value>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>Name of this source, shown at the destination.</summary>
    /// <value>The machine's name.</value>
    public string Name { get; set; } = Environment.MachineName;

    /// <summary>Torrents with live metric series of their own.</summary>
    /// <value>1000; 0 to 10,000.</value>
    public int MetricsMaxTorrents { get; set; } = 1000;

    /// <summary>Synced torrents that keep metric series of their own: those that were synced last.</summary>
    /// <value>1000; 0 to 10,000.</value>
    public int MetricsMaxFinished { get; set; } = 1000;

    /// <summary>Whether the series of a torrent have its name; else the begin of its hash stands there.</summary>
    /// <value>true.</value>
    public bool MetricsNames { get; set; } = true;

    internal SeriesLimits Series => new(MetricsMaxTorrents, MetricsMaxFinished, MetricsNames);

    /// <summary>A copy that nobody else changes, with what a running engine cannot change taken from <paramref name="current"/>.</summary>
    internal SourceOptions WithFixedOf(SourceOptions current)
    {
        var copy = (SourceOptions)MemberwiseClone();
        (copy.Data, copy.Name, copy.NumSenders, copy.ReadAhead) = (current.Data, current.Name, current.NumSenders, current.ReadAhead);
        (copy.ReconnectMaxDelay, copy.CallTimeout, copy.StopTimeout) = (current.ReconnectMaxDelay, current.CallTimeout, current.StopTimeout);
        (copy.MetricsMaxTorrents, copy.MetricsMaxFinished) = (current.MetricsMaxTorrents, current.MetricsMaxFinished);
        copy.Handoff = Handoff.WithFixedOf(current.Handoff);
        copy.Filter = Filter.Copy();
        return copy;
    }

    /// <summary>Every fault of these values, each naming its option; empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];
        Require(errors, Path.IsPathFullyQualified(Data), $"data: '{Data}' is not an absolute path.");
        Require(errors, PollInterval >= TimeSpan.FromMilliseconds(50), $"qb-poll-interval: {PollInterval} is below 50 ms.");
        Require(errors, Sleep >= TimeSpan.FromSeconds(1), $"sleep: {Sleep} is below 1 s.");
        Require(errors, NumSenders is >= 1 and <= 256, $"num-senders: {NumSenders} is not between 1 and 256.");
        Require(errors, ReadAhead >= 4L << 20, $"read-ahead: {ReadAhead} is below 4 MiB.");
        Require(errors, MinSpace >= 0, $"min-space: {MinSpace} is negative.");
        Require(errors, ReconnectMaxDelay >= TimeSpan.FromSeconds(1), $"reconnect-max-delay: {ReconnectMaxDelay} is below 1 s.");
        Require(errors, CallTimeout >= TimeSpan.FromSeconds(1), $"call-timeout: {CallTimeout} is below 1 s.");
        Require(errors, StopTimeout >= TimeSpan.Zero, $"stop-timeout: {StopTimeout} is negative.");
        Require(errors, MetricsMaxTorrents is >= 0 and <= SeriesLimits.Most, $"metrics-max-torrents: {MetricsMaxTorrents} is not between 0 and 10000.");
        Require(errors, MetricsMaxFinished is >= 0 and <= SeriesLimits.Most, $"metrics-max-finished: {MetricsMaxFinished} is not between 0 and 10000.");
        foreach (var tag in (ReadOnlySpan<string>)[SyncedTag, SyncFailedTag, SourceRemovedTag, ExcludeSyncTag])
        {
            Require(errors, !tag.Contains(',', StringComparison.Ordinal), $"tags: '{tag}' holds a comma, which separates tags in a client.");
        }

        Require(errors, RateLimit is 0 or >= RateSchedule.LeastRate, $"rate-limit: {RateLimit} is neither 0 nor at least {RateSchedule.LeastRate} bytes a second.");
        foreach (var window in BandwidthSchedule)
        {
            Require(errors, window.Validate() is null, $"bandwidth-schedule: {window.Validate()}.");
        }

        errors.AddRange(Filter.Validate());
        errors.AddRange(Handoff.Validate());
        Require(errors, Enum.IsDefined(Order), $"order: {Order} is no choice.");
        Require(errors, MaxActive is >= 0 and <= 100_000, $"max-active: {MaxActive} is not between 0 and 100000.");
        foreach (var mapping in PathMap)
        {
            Require(errors, mapping.Client.StartsWith('/'), $"path-map: '{mapping.Client}' is not an absolute path of the client.");
            Require(errors, Path.IsPathFullyQualified(mapping.Local), $"path-map: '{mapping.Local}' is not an absolute local path.");
        }

        // The last part is what keeps the torrents of two roots apart at the destination.
        foreach (var alike in PathMap.GroupBy(static mapping => mapping.Client.Split('/', StringSplitOptions.RemoveEmptyEntries).LastOrDefault("")))
        {
            Require(errors, alike.Count() == 1, $"path-map: {string.Join(" and ", alike.Select(static mapping => $"'{mapping.Client}'"))} end alike, so that "
                + $"their torrents would meet in one folder '{alike.Key}' at the destination.");
        }

        return errors;
    }

    private static void Require(List<string> errors, bool holds, string message)
    {
        if (!holds)
        {
            errors.Add(message);
        }
    }
}

/// <summary>A folder as the client names it, and the same folder on this machine.</summary>
/// <param name="Client">Absolute path as the client sees it.</param>
/// <param name="Local">Absolute path here.</param>
public sealed record PathMapping(string Client, string Local);
