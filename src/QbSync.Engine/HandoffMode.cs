namespace QbSync.Engine;

/// <summary>When torrents that are synced are handed over to the destination, which ends with their delete at the source.</summary>
public enum HandoffMode
{
    /// <summary>When the source is short of space, and in a drain.</summary>
    Pressure = 0,

    /// <summary>As soon as the least seeding time is over, and in a drain.</summary>
    Seeded = 1,

    /// <summary>Only in a drain.</summary>
    Never = 2,
}

/// <summary>Which torrents go first when the source is short of space.</summary>
public enum EvictionOrder
{
    /// <summary>Those that upload least for the bytes that they free.</summary>
    Density = 0,

    /// <summary>Those with the fewest seeds and leechers.</summary>
    Popularity = 1,

    /// <summary>Those that were complete first.</summary>
    Oldest = 2,

    /// <summary>Those that free most.</summary>
    Largest = 3,
}
