namespace QbSync.Engine.Source.Streaming;

/// <summary>A torrent that is complete at the source, with what the orders ask of it.</summary>
/// <param name="Left">Bytes that are not acknowledged.</param>
/// <param name="Size">Bytes of its selection.</param>
/// <param name="CompletedAt">When it was complete; null where the client does not know, which counts as the longest ago.</param>
internal readonly record struct BacklogEntry(PieceStream Stream, long Left, long Size, DateTimeOffset? CompletedAt)
{
    /// <summary>Sorts by an order; what is equal in it stays as it was.</summary>
    public static PieceStream[] Sort(IEnumerable<BacklogEntry> entries, BacklogOrder order)
    {
        var sorted = order switch
        {
            BacklogOrder.FinishFirst => entries.OrderBy(static entry => entry.Left),
            BacklogOrder.Oldest => entries.OrderBy(static entry => entry.CompletedAt ?? DateTimeOffset.MinValue),
            BacklogOrder.Newest => entries.OrderByDescending(static entry => entry.CompletedAt ?? DateTimeOffset.MinValue),
            BacklogOrder.Smallest => entries.OrderBy(static entry => entry.Size),
            BacklogOrder.Fair => entries,
        };
        return [.. sorted.Select(static entry => entry.Stream)];
    }
}
