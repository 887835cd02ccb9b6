using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>What metrics read at a scrape: immutable, swapped whole by the loop.</summary>
internal sealed record SourceReport(
    IReadOnlyList<SourceReport.Torrent> Torrents, IReadOnlyList<int> States, int FailedFinalizations, int Records, DateTimeOffset At)
{
    public static SourceReport Empty { get; } = new([], [], 0, 0, DateTimeOffset.UnixEpoch);

    /// <summary>Per mapped local folder its free bytes; null while they are not known.</summary>
    public IReadOnlyDictionary<string, long?> FreeBytes { get; init; } = new Dictionary<string, long?>();

    /// <summary>Bytes that cleanup could free now.</summary>
    public long DeletableBytes { get; init; }

    /// <summary>One torrent.</summary>
    /// <param name="Id">The torrent.</param>
    /// <param name="Name">The manifest's name once it is known.</param>
    /// <param name="State">Its state.</param>
    /// <param name="IsLive">Whether it has live series.</param>
    /// <param name="Pieces">Pieces that overlap the selection.</param>
    /// <param name="PiecesDone">Of those, held by the destination.</param>
    /// <param name="Bytes">Bytes selected.</param>
    internal sealed record Torrent(InfoHash Id, string Name, TorrentSyncState State, bool IsLive, int Pieces, int PiecesDone, long Bytes)
    {
        public long PayloadAcknowledged { get; init; }

        /// <summary>Since when it is complete here and not synced; null while it downloads.</summary>
        public DateTimeOffset? PendingSince { get; init; }

        public long BacklogBytes { get; init; }

        /// <summary>Since when it is known here.</summary>
        public DateTimeOffset TrackedSince { get; init; }

        /// <summary>When it was synced, unless that was found so; null while it is not.</summary>
        public DateTimeOffset? SyncedAt { get; init; }
    }
}
