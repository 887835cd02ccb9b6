namespace QbSync.Engine;

/// <summary>When the destination's client checks a torrent that it was given.</summary>
public enum RecheckPolicy
{
    /// <summary>
    /// Where nothing else leads to the end state: partial selections, other names, after missing files. Of whole torrents those up to 16 GiB, until one
    /// was found good at its root, anew after each start of either side: that shows whether the client can read there.
    /// </summary>
    Auto = 0,

    /// <summary>Every torrent.</summary>
    Always = 1,

    /// <summary>As <see cref="Auto"/>, but no whole torrent for its root's sake.</summary>
    Never = 2,
}

/// <summary>When files get their final names.</summary>
public enum PublishPolicy
{
    /// <summary>Each as soon as it is whole and read back.</summary>
    File = 0,

    /// <summary>All together, when the torrent is whole.</summary>
    Torrent = 1,
}

/// <summary>What becomes of unfinished torrents that no source asks for any more.</summary>
public enum OrphanSweepMode
{
    /// <summary>Their own unfinished files are removed.</summary>
    Delete = 0,

    /// <summary>They are only named.</summary>
    List = 1,

    /// <summary>They are not looked at.</summary>
    Off = 2,
}

/// <summary>What the user wants of a destination. Settable until the engine is made.</summary>
public sealed class DestinationOptions
{
    /// <summary>The data root as the destination's client sees it: where torrents are saved.</summary>
    /// <value>No default with a client; an absolute path, <c>/</c> or <c>\</c> between parts.</value>
    public string SavePath { get; set; } = "";

    /// <summary>The data root on this machine, for messages.</summary>
    /// <value>No default.</value>
    public string DataRoot { get; set; } = "";

    /// <summary>Tag of torrents that are final here.</summary>
    /// <value>Default <c>synced</c>; empty sets none; no comma.</value>
    public string SyncedTag { get; set; } = "synced";

    /// <summary>How often the client's list is read, for all torrents together.</summary>
    /// <value>Default 2 s; 200 ms to 1 min.</value>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a check by the client may stand still. A check of any length that moves is waited for.</summary>
    /// <value>Default 5 min; 10 s to 24 h.</value>
    public TimeSpan PollTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Torrents and files that are read back at the same time.</summary>
    /// <value>Default 2; 1 to 16.</value>
    public int FinalizeWorkers { get; set; } = 2;

    /// <summary>When the client checks a torrent that it was given.</summary>
    /// <value>Default <see cref="RecheckPolicy.Auto"/>.</value>
    public RecheckPolicy Recheck { get; set; }

    /// <summary>Space that is left free on the data root's device.</summary>
    /// <value>Default 10 GiB, in bytes; 0 or more. The same as the store's.</value>
    public long MinFreeBytes { get; set; } = 10L << 30;

    /// <summary>Torrents that are not complete; above that, opening one is answered Busy.</summary>
    /// <value>Default 50,000; 1 to 1,000,000.</value>
    public int MaxSessions { get; set; } = 50_000;

    /// <summary>Of these, torrents of one authenticated peer.</summary>
    /// <value>Default 10,000; 1 to 1,000,000.</value>
    public int MaxPeerSessions { get; set; } = 10_000;

    /// <summary>When files get their final names.</summary>
    /// <value>Default <see cref="PublishPolicy.File"/>.</value>
    public PublishPolicy Publish { get; set; }

    /// <summary>Time without contact, of this destination's own running time, after which an unfinished torrent is an orphan.</summary>
    /// <value>Default 24 h; at least 1 h.</value>
    public TimeSpan OrphanAge { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How often orphans are looked for.</summary>
    /// <value>Default 1 h; at least 1 min.</value>
    public TimeSpan OrphanScan { get; set; } = TimeSpan.FromHours(1);

    /// <summary>What becomes of orphans.</summary>
    /// <value>Default <see cref="OrphanSweepMode.Delete"/>.</value>
    public OrphanSweepMode OrphanSweep { get; set; }

    /// <summary>Whether nothing is written: Init answers what it would do, other verbs answer that the run is dry.</summary>
    /// <value>Default false.</value>
    public bool DryRun { get; set; }

    /// <summary>What a <c>.torrent</c> may be at most.</summary>
    /// <value>Default <see cref="Torrents.ManifestLimits.Default"/>.</value>
    public Torrents.ManifestLimits Limits { get; set; } = Torrents.ManifestLimits.Default;

    /// <summary>How long a torrent that is started may take to be seen active.</summary>
    /// <value>Default 30 s; 5 s to 10 min.</value>
    public TimeSpan StartWait { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long after its start a torrent is stopped when it begins to download or its files are missing.</summary>
    /// <value>Default 24 h; 0 to 30 days.</value>
    public TimeSpan WatchAfterStart { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Whether a torrent that the user removed at the source is started here.</summary>
    /// <value>Default true.</value>
    public bool SourceRemovedStart { get; set; } = true;

    /// <summary>Synced torrents that keep metric series of their own: those that were synced last.</summary>
    /// <value>Default 1000; 0 to 10,000.</value>
    public int MetricsMaxFinished { get; set; } = 1000;

    /// <summary>Whether the series of a torrent have its name; else the begin of its hash stands there.</summary>
    /// <value>Default true.</value>
    public bool MetricsNames { get; set; } = true;

    internal SeriesLimits Series => new(Finished: MetricsMaxFinished, HasNames: MetricsNames);

    /// <summary>
    /// A copy of <paramref name="current"/>, which nobody else changes, with what of these options a running engine can take.
    /// </summary>
    internal DestinationOptions WithFixedOf(DestinationOptions current)
    {
        var copy = (DestinationOptions)current.MemberwiseClone();
        (copy.SyncedTag, copy.Recheck, copy.MinFreeBytes, copy.Publish) = (SyncedTag, Recheck, MinFreeBytes, Publish);
        (copy.SourceRemovedStart, copy.MetricsNames) = (SourceRemovedStart, MetricsNames);
        return copy;
    }

    /// <summary>Everything that is wrong with these options; empty when nothing is.</summary>
    /// <param name="withClient">Whether there is a torrent client, which needs a save path.</param>
    public IReadOnlyList<string> Validate(bool withClient)
    {
        List<string> errors = [];
        Check(!withClient || SavePath.Length > 0, $"{nameof(SavePath)} is empty: name the data folder as the torrent client sees it.");
        Check(!SyncedTag.Contains(',', StringComparison.Ordinal), $"{nameof(SyncedTag)} '{SyncedTag}' holds a comma.");
        Check(PollInterval >= TimeSpan.FromMilliseconds(200) && PollInterval <= TimeSpan.FromMinutes(1), $"{nameof(PollInterval)} {PollInterval} is not within 200 ms to 1 min.");
        Check(PollTimeout >= TimeSpan.FromSeconds(10) && PollTimeout <= TimeSpan.FromHours(24), $"{nameof(PollTimeout)} {PollTimeout} is not within 10 s to 24 h.");
        Check(FinalizeWorkers is >= 1 and <= 16, $"{nameof(FinalizeWorkers)} {FinalizeWorkers} is not within 1 to 16.");
        Check(Enum.IsDefined(Recheck), $"{nameof(Recheck)} {Recheck} is not known.");
        Check(MinFreeBytes >= 0, $"{nameof(MinFreeBytes)} {MinFreeBytes} is negative.");
        Check(MaxSessions is >= 1 and <= 1_000_000, $"{nameof(MaxSessions)} {MaxSessions} is not within 1 to 1,000,000.");
        Check(MaxPeerSessions is >= 1 and <= 1_000_000, $"{nameof(MaxPeerSessions)} {MaxPeerSessions} is not within 1 to 1,000,000.");
        Check(StartWait >= TimeSpan.FromSeconds(5) && StartWait <= TimeSpan.FromMinutes(10), $"{nameof(StartWait)} {StartWait} is not within 5 s to 10 min.");
        Check(WatchAfterStart >= TimeSpan.Zero && WatchAfterStart <= TimeSpan.FromDays(30), $"{nameof(WatchAfterStart)} {WatchAfterStart} is not within 0 to 30 days.");
        Check(Enum.IsDefined(Publish), $"{nameof(Publish)} {Publish} is not known.");
        Check(OrphanAge >= TimeSpan.FromHours(1), $"{nameof(OrphanAge)} {OrphanAge} is less than 1 h.");
        Check(OrphanScan >= TimeSpan.FromMinutes(1), $"{nameof(OrphanScan)} {OrphanScan} is less than 1 min.");
        Check(
            MetricsMaxFinished is >= 0 and <= SeriesLimits.Most, $"{nameof(MetricsMaxFinished)} {MetricsMaxFinished} is not within 0 to {SeriesLimits.Most}.");
        Check(Enum.IsDefined(OrphanSweep), $"{nameof(OrphanSweep)} {OrphanSweep} is not known.");
        return errors;

        void Check(bool ok, string error)
        {
            if (!ok)
            {
                errors.Add(error);
            }
        }
    }
}
