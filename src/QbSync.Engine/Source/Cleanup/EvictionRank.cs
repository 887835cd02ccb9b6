namespace QbSync.Engine.Source.Cleanup;

/// <summary>Who goes first. Pure.</summary>
internal static class EvictionRank
{
    /// <summary>The groups in the order in which they go; equal ones by their key, so that the order is the same in every pass.</summary>
    public static IReadOnlyList<CleanupGroup> Sort(IEnumerable<CleanupGroup> groups, EvictionOrder order) =>
    [
        .. (order switch
        {
            EvictionOrder.Density => groups.OrderBy(static group => group.Level).ThenBy(static group => group.Peers),
            EvictionOrder.Popularity => groups.OrderBy(static group => group.Peers).ThenBy(static group => group.Level),
            EvictionOrder.Oldest => groups.OrderBy(static group => group.CompletedAt).ThenBy(static group => group.Level),
            EvictionOrder.Largest => groups.OrderByDescending(static group => group.Bytes).ThenBy(static group => group.Level),
        })
        .ThenByDescending(static group => group.LeastSeeding)
        .ThenByDescending(static group => group.Bytes)
        .ThenBy(static group => group.Key, StringComparer.Ordinal),
    ];

    /// <summary>The order for those that have seeded enough: longest first.</summary>
    public static IReadOnlyList<CleanupGroup> SortSeeded(IEnumerable<CleanupGroup> groups) =>
        [.. groups.OrderByDescending(static group => group.LeastSeeding).ThenBy(static group => group.Key, StringComparer.Ordinal)];
}
