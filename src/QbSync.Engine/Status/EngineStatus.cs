using QbSync.Torrents;

namespace QbSync.Engine.Status;

/// <summary>What an engine is doing, as it was at one moment: immutable, swapped whole at least once a second. Hosts show it; nothing decides by it.</summary>
public sealed record EngineStatus
{
    /// <summary>When it was taken.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether the engine has read its state and begun its first cycle.</summary>
    public bool IsStarted { get; init; }

    /// <summary>Last outcome of a call to the torrent client: null before the first, else whether it worked.</summary>
    public bool? ClientOk { get; init; }

    /// <summary>Source: whether the destination answers. Destination: null.</summary>
    public bool? PeerOk { get; init; }

    /// <summary>What is wrong with client or peer, for people; empty when nothing is.</summary>
    public string Problem { get; init; } = "";

    /// <summary>Payload acknowledged (source) or accepted (destination), bytes a second over the last 10 s.</summary>
    public double BytesPerSecond { get; init; }

    /// <summary>Free bytes where that is least; null while it is not known.</summary>
    public long? FreeBytes { get; init; }

    /// <summary>Source: bytes that cleanup could free now; null where nothing is cleaned up, and before the first look.</summary>
    public long? DeletableBytes { get; init; }

    /// <summary>Source: torrents that those bytes are of; null as <see cref="DeletableBytes"/>.</summary>
    public int? DeletableTorrents { get; init; }

    /// <summary>Destination: sources that have listened here since it runs. Source: empty.</summary>
    public IReadOnlyList<SourceStatus> Sources { get; init; } = [];

    /// <summary>Bytes a second that are allowed now; 0 for no limit.</summary>
    public long RateLimit { get; init; }

    /// <summary>Source: whether everything is being handed over before it goes.</summary>
    public bool IsDraining { get; init; }

    /// <summary>Every torrent that the engine knows, pending ones first.</summary>
    public IReadOnlyList<TorrentProgress> Torrents { get; init; } = [];
}

/// <summary>One torrent of an <see cref="EngineStatus"/>.</summary>
public sealed record TorrentProgress
{
    /// <summary>The torrent.</summary>
    public required InfoHash Id { get; init; }

    /// <summary>The manifest's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its state in the engine's own words.</summary>
    public required string State { get; init; }

    /// <summary>Pieces that the selection needs; 0 while the manifest is not known.</summary>
    public int Pieces { get; init; }

    /// <summary>Of those, held by the destination.</summary>
    public int PiecesDone { get; init; }

    /// <summary>Bytes selected.</summary>
    public long Bytes { get; init; }

    /// <summary>Payload bytes sent (source) or accepted (destination) in this process.</summary>
    public long BytesMoved { get; init; }

    /// <summary>When everything had arrived: last piece acknowledged.</summary>
    public DateTimeOffset? ArrivedAt { get; init; }

    /// <summary>When it was final.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>What it waits for.</summary>
    public WaitingReason WaitingFor { get; init; }

    /// <summary>Why it waits or failed, for people.</summary>
    public string Reason { get; init; } = "";
}

/// <summary>A source as its destination sees it.</summary>
/// <param name="Name">What it calls itself.</param>
/// <param name="IsHere">Whether it listens now.</param>
public sealed record SourceStatus(string Name, bool IsHere);
