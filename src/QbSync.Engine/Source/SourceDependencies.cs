using Microsoft.Extensions.Logging;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Ports;

namespace QbSync.Engine.Source;

/// <summary>What a source engine was made from.</summary>
internal sealed record SourceDependencies(
    Live<SourceOptions> Options,
    ITorrentClient Client,
    IDestination Destination,
    IPieceReader Reader,
    ILocalFiles Files,
    RecordStore Records,
    HandoffJournal Handoffs,
    AuditLog Audit,
    EngineMetrics Metrics,
    ILoggerFactory Loggers,
    MonotonicClock Clock,
    Chance Chance,
    EngineEvents Events);

/// <summary>The latest status, swapped whole.</summary>
internal sealed class StatusHolder(DateTimeOffset now)
{
    private volatile EngineStatus _current = new() { At = now };

    public EngineStatus Current { get => _current; set => _current = value; }
}
