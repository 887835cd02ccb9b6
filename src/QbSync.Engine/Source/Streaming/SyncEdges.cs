namespace QbSync.Engine.Source.Streaming;

/// <summary>What acks and reads have to tell the loop about a torrent. Flags, so that a thousand of a kind are one.</summary>
[Flags]
internal enum SyncEdges
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The last needed piece is acknowledged.</summary>
    AllAcknowledged = 1,

    /// <summary>The destination no longer receives it under this epoch.</summary>
    Reopen = 2,

    /// <summary>The destination is making it final.</summary>
    FinalizingThere = 4,

    /// <summary>A file was not where the client said.</summary>
    FilesMissing = 8,

    /// <summary>A piece did not hash here for 10 minutes.</summary>
    SourceCorrupt = 16,

    /// <summary>A piece that hashes here was rejected there 5 times in 10 minutes.</summary>
    PieceRejected = 32,

    /// <summary>v1 and v2 hashes disagree.</summary>
    Inconsistent = 64,

    /// <summary>The destination calls what we send malformed, again and again.</summary>
    Malformed = 128,

    /// <summary>The reader threw what it should not.</summary>
    ReaderFault = 256,

    /// <summary>The destination answered for a piece that there cannot be.</summary>
    Breach = 512,
}
