namespace QbSync.Engine.Status;

/// <summary>What a torrent waits for. Shown in lower case with dashes.</summary>
public enum WaitingReason
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The source is still downloading.</summary>
    Download,

    /// <summary>The client has no metadata yet.</summary>
    Metadata,

    /// <summary>No path map or route fits.</summary>
    Route,

    /// <summary>The congestion window.</summary>
    Window,

    /// <summary>The rate limit.</summary>
    RateLimit,

    /// <summary>The destination's disk.</summary>
    DestinationDisk,

    /// <summary>Space at the destination.</summary>
    DestinationSpace,

    /// <summary>The quota at the destination.</summary>
    Quota,

    /// <summary>A torrent client.</summary>
    Client,

    /// <summary>The peer.</summary>
    Peer,

    /// <summary>A circuit breaker.</summary>
    Breaker,

    /// <summary>Another torrent that receives the same file.</summary>
    Link,

    /// <summary>Verification at the destination.</summary>
    Verification,

    /// <summary>A pause after a failure.</summary>
    Backoff,

    /// <summary>A person has to settle a conflict.</summary>
    Conflict,

    /// <summary>The minimum seeding time.</summary>
    SeedingTime,

    /// <summary>The grace time before a delete.</summary>
    Grace,

    /// <summary>A tracker's answer.</summary>
    Announce,

    /// <summary>The user stopped it.</summary>
    Paused,

    /// <summary>Another process holds the lease.</summary>
    Standby,
}
