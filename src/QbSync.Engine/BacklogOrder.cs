namespace QbSync.Engine;

/// <summary>Which of the torrents that are complete at the source is sent first. The next one gets what the first cannot use.</summary>
public enum BacklogOrder
{
    /// <summary>The one with the fewest bytes left: most torrents become whole soon.</summary>
    FinishFirst = 0,

    /// <summary>The one that was complete first.</summary>
    Oldest = 1,

    /// <summary>The one that was complete last.</summary>
    Newest = 2,

    /// <summary>The smallest.</summary>
    Smallest = 3,

    /// <summary>All in turn.</summary>
    Fair = 4,
}
