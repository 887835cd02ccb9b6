namespace QbSync.Engine.Plans;

/// <summary>What a condition has to do with.</summary>
public enum PlanTopic
{
    /// <summary>Whether the torrent is brought to the destination.</summary>
    Sync = 0,

    /// <summary>Whether it may be handed over.</summary>
    Handoff,

    /// <summary>Whether a proof of the destination is good enough to delete it here.</summary>
    Proof,
}

/// <summary>One thing that has to do with what becomes of a torrent, as it is now.</summary>
/// <param name="Topic">What it has to do with.</param>
/// <param name="Name">What is asked, for people.</param>
/// <param name="IsMet">Whether it is so; null while that is not known, as what only a proof tells.</param>
/// <param name="Value">What it is now, for people.</param>
/// <param name="Option">The option that governs it, by its name in the configuration; null where none does.</param>
public sealed record PlanCondition(PlanTopic Topic, string Name, bool? IsMet, string Value, string? Option = null);
