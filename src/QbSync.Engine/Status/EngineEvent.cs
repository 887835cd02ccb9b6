using QbSync.Torrents;

namespace QbSync.Engine.Status;

/// <summary>Something that happened and that a person, or another program, may want to be told. Hosts notify of it; nothing decides by it. Immutable.</summary>
public sealed record EngineEvent
{
    /// <summary>What happened.</summary>
    public required EngineEventKind Kind { get; init; }

    /// <summary>When, by the wall clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The torrent that it is about; null for none.</summary>
    public EventTorrent? Torrent { get; init; }

    /// <summary>Why, for people; empty where the kind says all.</summary>
    public string Reason { get; init; } = "";
}

/// <summary>What may happen.</summary>
public enum EngineEventKind
{
    /// <summary>All that is selected of a torrent is final at the destination.</summary>
    TorrentSynced = 0,

    /// <summary>A torrent failed: it rests until somebody asks for another try.</summary>
    TorrentFailed = 1,

    /// <summary>Source: deleted there, with a proof. Destination: seeding has begun there.</summary>
    TorrentHandedOff = 2,

    /// <summary>A handoff turned back: the torrent is active at the source again.</summary>
    TorrentRolledBack = 3,

    /// <summary>The destination's client shows a whole torrent as one that it has to download; it was told to stop it.</summary>
    TorrentEnteredDownload = 4,

    /// <summary>Less space is free than is to be kept free.</summary>
    SpaceLow = 5,

    /// <summary>There is enough again.</summary>
    SpaceOk = 6,

    /// <summary>The other side has been away for ten minutes.</summary>
    PeerLost = 7,

    /// <summary>The other side, which was told of as lost, is back.</summary>
    PeerBack = 8,

    /// <summary>Content on disk is not what its torrent says.</summary>
    CheckBad = 9,

    /// <summary>Everything that is synced is being handed over.</summary>
    DrainStarted = 10,

    /// <summary>That is over.</summary>
    DrainEnded = 11,
}

/// <summary>A torrent as an event tells of it.</summary>
public sealed record EventTorrent
{
    /// <summary>The torrent.</summary>
    public required InfoHash Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes selected.</summary>
    public long Bytes { get; init; }

    /// <summary>Its category; empty for none.</summary>
    public string Category { get; init; } = "";

    /// <summary>Its tags.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Its folder, or its only file, as this side's client sees it; empty while that is not known.</summary>
    public string Path { get; init; } = "";
}
