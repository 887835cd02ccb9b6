namespace QbSync.Engine.Source;

/// <summary>Where a torrent stands at the source.</summary>
internal enum TorrentSyncState
{
    /// <summary>Eligible; the destination was not asked yet, or there is no piece yet.</summary>
    Discovered = 0,

    /// <summary>Manifest, layout and selection are built and opened at the destination.</summary>
    Initializing = 1,

    /// <summary>Pieces flow; the source may still be downloading.</summary>
    Streaming = 2,

    /// <summary>Every selected piece is acknowledged and the source is complete; one Finalize is under way.</summary>
    Finalizing = 3,

    /// <summary>Complete there, completion record durable here.</summary>
    Synced = 4,

    /// <summary>Three strikes; rests until the user asks for another try.</summary>
    Failed = 5,

    /// <summary>A tag forbids it.</summary>
    Excluded = 6,

    /// <summary>Gone here; the destination is owed an outcome.</summary>
    Removing = 7,

    /// <summary>The outcome was delivered; forgotten.</summary>
    Removed = 8,

    /// <summary>An open journal entry names it.</summary>
    HandingOff = 9,

    /// <summary>Deleted here with a proof; its record is kept for a while.</summary>
    HandedOff = 10,
}
