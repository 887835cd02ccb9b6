using Microsoft.Extensions.Logging;
using QbSync.Engine.Destination.Finalization;
using QbSync.Engine.Destination.Handoff;
using QbSync.Engine.Destination.Initialization;
using QbSync.Engine.Status;

namespace QbSync.Engine.Destination;

/// <summary>What every session of one engine shares. Immutable.</summary>
internal sealed record SessionContext(
    Live<DestinationOptions> Options,
    ulong Incarnation,
    SessionOpener Opener,
    EarlyFileFinalizer EarlyFinalizer,
    Finalizer Finalizer,
    SeedingControl? Seeding,
    ClientWatch? Watch,
    RoomWatch Room,
    PeerQuotas Quotas,
    WatchHub Hub,
    EngineMetrics Metrics,
    EngineEvents Events,
    ILogger<TorrentSession> Logger,
    TimeProvider Time)
{
    /// <summary>Age above which a sighting of the client proves nothing.</summary>
    public static TimeSpan FreshFor { get; } = TimeSpan.FromSeconds(30);
}
