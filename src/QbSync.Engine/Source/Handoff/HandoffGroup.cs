using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>Torrents that leave together: all are proven before the first is deleted, and one that cannot leave keeps all.</summary>
/// <param name="Members">At least one.</param>
/// <param name="Cause">Why they leave.</param>
/// <param name="FreesBytes">What their delete gives back; 0 when that was not asked.</param>
internal sealed record HandoffGroup(IReadOnlyList<InfoHash> Members, HandoffCause Cause, long FreesBytes);

/// <summary>Why torrents are handed over.</summary>
internal enum HandoffCause
{
    /// <summary>The source is short of space.</summary>
    Pressure = 0,

    /// <summary>They have seeded here as long as the user wants.</summary>
    Seeded = 1,

    /// <summary>The source is going away.</summary>
    Drain = 2,

    /// <summary>The user asked for it.</summary>
    Asked = 3,
}

/// <summary>How a group's handoff ended.</summary>
internal enum HandoffResult
{
    /// <summary>Deleted here with a proof, and confirmed there.</summary>
    HandedOff = 0,

    /// <summary>Something did not go well: what was active here is active here again.</summary>
    RolledBack = 1,

    /// <summary>Nothing was touched.</summary>
    Refused = 2,
}

/// <summary>The end of a group's handoff.</summary>
/// <param name="Result">How it ended.</param>
/// <param name="Reason">Why it did not end well, for people; else empty.</param>
internal sealed record HandoffEnd(HandoffResult Result, string Reason = "");
