using System.Text.Json.Serialization;

namespace QbSync.Host.Reporting;

/// <summary>
/// What a role is doing, as told to people and programs: the answer of <c>/api/v1/status</c>, described in <c>docs/status.schema.json</c>. Immutable. What is not
/// known is null, never 0.
/// </summary>
internal sealed record StatusDocument
{
    public string Version { get; init; } = "";

    public string Mode { get; init; } = "";

    public string Name { get; init; } = "";

    /// <summary>starting, running, draining or stopping.</summary>
    public string State { get; init; } = "";

    /// <summary>Since when the process runs.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>When this was so.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>What is wrong, for people; null when nothing is.</summary>
    public string? Problem { get; init; }

    public IReadOnlyDictionary<string, CheckStatus> Checks { get; init; } = new Dictionary<string, CheckStatus>();

    /// <summary>Null where there is no client.</summary>
    public ClientStatus? Client { get; init; }

    /// <summary>At a source its destination; at a destination the sources that have listened there. Null where they are not told of.</summary>
    public IReadOnlyList<PeerStatus>? Peers { get; init; }

    public ThroughputStatus Throughput { get; init; } = new();

    public SpaceStatus Space { get; init; } = new();

    /// <summary>Null at a destination.</summary>
    public SafeToDelete? SafeToDelete { get; init; }

    public IReadOnlyList<WaitingStatus> Waiting { get; init; } = [];

    public TotalsStatus Totals { get; init; } = new();

    /// <summary>The newest first.</summary>
    public IReadOnlyList<RecentEvent> Recent { get; init; } = [];

    /// <summary>Those under way first. Absent in the summary that an event carries.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TorrentRow>? Torrents { get; init; }

    /// <summary>Torrents that there are besides.</summary>
    public int More { get; init; }
}

/// <summary>One thing that the role needs to be ready.</summary>
/// <param name="Ok">Null before it was looked at.</param>
/// <param name="Code">ok, failing or unknown.</param>
/// <param name="Age">Seconds since it was looked at; null before.</param>
internal sealed record CheckStatus(bool? Ok, string Code, long? Age);

/// <summary>The torrent client.</summary>
/// <param name="Ok">Null before the first call.</param>
/// <param name="Version">Product and version; null while not known.</param>
/// <param name="ApiVersion">Null while not known, and where it has none.</param>
/// <param name="Breaker">closed, open, half-open or isolated.</param>
internal sealed record ClientStatus(bool? Ok, string? Version, string? ApiVersion, string Breaker);

/// <summary>The other side.</summary>
internal sealed record PeerStatus
{
    public string? Name { get; init; }

    /// <summary>Null at a destination, which is called and calls nobody.</summary>
    public string? Address { get; init; }

    public bool? Ok { get; init; }

    /// <summary>Streams that pieces can go over.</summary>
    public int? Streams { get; init; }

    public int? InFlightPieces { get; init; }

    public IReadOnlyList<ConnectionStatus> Connections { get; init; } = [];
}

/// <summary>One connection for pieces. Only what TCP tells is told of a single one.</summary>
internal sealed record ConnectionStatus
{
    public int Index { get; init; }

    public double? RttMs { get; init; }

    public long? BytesPerSecond { get; init; }

    public long? WindowBytes { get; init; }

    public long? InFlightBytes { get; init; }

    public int? Streams { get; init; }
}

/// <summary>Payload in bytes a second.</summary>
internal sealed record ThroughputStatus
{
    /// <summary>Mean of the last ten seconds; null before the engine runs.</summary>
    public long? Now { get; init; }

    /// <summary>The same once a second, two minutes of it, the oldest first.</summary>
    public IReadOnlyList<long?> Samples { get; init; } = [];
}

/// <summary>Space in bytes.</summary>
/// <param name="Free">Where it is least.</param>
/// <param name="Min">What must stay free; null for no limit.</param>
/// <param name="Need">Source: what is missing to that. Destination: what is still to come.</param>
internal sealed record SpaceStatus(long? Free = null, long? Min = null, long? Need = null);

/// <summary>What cleanup could remove at the source now.</summary>
internal sealed record SafeToDelete(long? Bytes, int? Torrents);

/// <summary>How many torrents wait for the same.</summary>
internal sealed record WaitingStatus(string Reason, int Count, long OldestSeconds);

/// <summary>All torrents together.</summary>
/// <param name="Torrents">All that are known.</param>
/// <param name="Pending">Under way.</param>
/// <param name="Finished">Whole at the destination.</param>
/// <param name="Failed">Given up until a person changes something.</param>
/// <param name="Bytes">Of those under way.</param>
/// <param name="BytesDone">Of those, at the destination.</param>
/// <param name="EtaSeconds">Until those under way are there, at the rate of now.</param>
internal sealed record TotalsStatus(
    int Torrents = 0, int Pending = 0, int Finished = 0, int Failed = 0, long? Bytes = null, long? BytesDone = null, long? EtaSeconds = null);

/// <summary>Something that happened to a torrent.</summary>
/// <param name="What">synced, failed, handed-off, excluded or gone.</param>
internal sealed record RecentEvent(DateTimeOffset At, string Hash, string Name, string What);

/// <summary>One torrent.</summary>
internal sealed record TorrentRow
{
    public string Hash { get; init; } = "";

    public string Name { get; init; } = "";

    public string State { get; init; } = "";

    /// <summary>That the selection needs.</summary>
    public int? Pieces { get; init; }

    public int? PiecesDone { get; init; }

    public long? Bytes { get; init; }

    /// <summary>In proportion to the pieces.</summary>
    public long? BytesDone { get; init; }

    public long? Rate { get; init; }

    public long? EtaSeconds { get; init; }

    /// <summary>A word of <see cref="WaitingWords"/>.</summary>
    public string WaitingFor { get; init; } = WaitingWords.None;

    /// <summary>Why, for people; null where the word says it all.</summary>
    public string? Reason { get; init; }

    /// <summary>Since when it is in this state, as far as this process saw.</summary>
    public DateTimeOffset Since { get; init; }

    public string? Destination { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; init; }

    /// <summary>Whether it is whole at the destination.</summary>
    public bool Finished { get; init; }
}

/// <summary>The one way in which these are written and read.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(TorrentRow))]
internal sealed partial class StatusJson : JsonSerializerContext;
