using Microsoft.Extensions.Logging;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Peers;
using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Records;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>What the handoffs of an engine work with. All of it is thread-safe.</summary>
internal sealed record HandoffServices
{
    public required Live<SourceOptions> Options { get; init; }

    public required ITorrentClient Client { get; init; }

    public required ReadBack ReadBack { get; init; }

    public required DestinationCalls Destination { get; init; }

    public required ContentLoader Loader { get; init; }

    public required IPieceReader Reader { get; init; }

    public required HandoffJournal Journal { get; init; }

    public required AuditLog Audit { get; init; }

    public required RecordWriter Records { get; init; }

    public required ClientLists Lists { get; init; }

    public required IDeleteTurn Turn { get; init; }

    public required ISharedFiles Shared { get; init; }

    public required MonotonicClock Clock { get; init; }

    public required EngineMetrics Metrics { get; init; }

    public required ILogger<HandoffRun> Logger { get; init; }

    /// <summary>Whether the source is so short of space that no grace is given.</summary>
    public required Func<bool> IsDesperate { get; init; }

    /// <summary>The destination's incarnation as it was told last; null before that.</summary>
    public required Func<ulong?> Incarnation { get; init; }
}

/// <summary>What the engine knows of a member when its handoff begins.</summary>
/// <param name="Manifest">The manifest, if this process has it.</param>
/// <param name="Record">The durable record.</param>
internal sealed record HandoffFacts(TorrentManifest? Manifest, TorrentRecord Record);
