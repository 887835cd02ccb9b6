namespace QbSync.Engine.Plans;

/// <summary>What would become of a torrent, in one word.</summary>
public enum PlanAction
{
    /// <summary>It is complete here and would be sent, or is there already.</summary>
    Sync = 0,

    /// <summary>It downloads here and would be sent meanwhile.</summary>
    Stream,

    /// <summary>The destination would make it final.</summary>
    Finalize,

    /// <summary>It would be handed over and deleted here.</summary>
    Handoff,

    /// <summary>It is synced and stays.</summary>
    Keep,

    /// <summary>Nothing would be done.</summary>
    Skip,

    /// <summary>It has failed and rests.</summary>
    Failed,

    /// <summary>It is gone here, and the destination would be told.</summary>
    Remove,
}
