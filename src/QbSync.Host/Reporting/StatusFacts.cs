using QbSync.Engine.Status;
using QbSync.Host.Endpoints;
using QbSync.Ports;

namespace QbSync.Host.Reporting;

/// <summary>Where a status comes from: each function answers at once from memory, and waits for nobody.</summary>
internal sealed record StatusFacts
{
    public required string Mode { get; init; }

    public required string Name { get; init; }

    /// <summary>Null before it was made.</summary>
    public required Func<EngineStatus?> Engine { get; init; }

    public required IReadOnlyList<ReadinessCheck> Checks { get; init; }

    public Func<bool> IsStopping { get; init; } = static () => false;

    /// <summary>Null where there is none.</summary>
    public ITorrentClient? Client { get; init; }

    /// <summary>Null where peers are not told of.</summary>
    public Func<EngineStatus?, IReadOnlyList<PeerStatus>>? Peers { get; init; }

    /// <summary>What must stay free; null for no limit.</summary>
    public long? MinSpace { get; init; }

    /// <summary>Where torrents go; null at a destination.</summary>
    public string? Destination { get; init; }
}
