using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Engine.Destination.Finalization;
using QbSync.Engine.Destination.Handoff;
using QbSync.Engine.Destination.Initialization;
using QbSync.Engine.Destination.Maintenance;
using QbSync.Engine.Shared;
using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination;

/// <summary>
/// The destination: opens torrents, receives their pieces, makes them final and registers them at the client. Callable at once; answers
/// <see cref="RefusalReason.Recovering"/> until <see cref="RunAsync"/> has read the state. Thread-safe. Store and client stay their owner's to dispose,
/// after the engine.
/// </summary>
public sealed partial class DestinationEngine : IDestination, IPieceIntake, IAsyncDisposable
{
    /// <summary>Longer work goes on by itself and is answered Running; a network's deadline is far above this.</summary>
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromMilliseconds(900);

    private readonly ConcurrentDictionary<InfoHash, TorrentSession> _sessions = new();
    private readonly Lock _gate = new();
    private readonly Live<DestinationOptions> _options;
    private readonly ITorrentStore _store;
    private readonly ITorrentClient? _client;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly EngineMetrics _metrics;
    private readonly FinalizeQueue _queue;
    private readonly RoomWatch _room;
    private readonly WatchHub _hub;
    private readonly ClientWatch? _watch;
    private readonly ReadBack? _readBack;
    private readonly OrphanSweeper _sweeper;
    private readonly PeerQuotas _quotas;
    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile SessionContext? _context;
    private volatile bool _isStopping;

    /// <summary>Makes an engine.</summary>
    /// <param name="client">Null for none: files are kept under their final names and no torrent is ever complete.</param>
    /// <param name="random">Reserved for jitter of retries.</param>
    /// <exception cref="ArgumentException">The options are not valid; the message names each.</exception>
    public DestinationEngine(
        DestinationOptions options,
        ITorrentStore store,
        ITorrentClient? client,
        IMetricFactory metrics,
        CollectorRegistry registry,
        ILoggerFactory loggers,
        TimeProvider time,
        Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (options.Validate(client is not null) is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(' ', errors), nameof(options));
        }

        (_options, _store, _client, _loggers, _time) = (new Live<DestinationOptions>(options.WithFixedOf(options)), store, client, loggers, time);
        _logger = loggers.CreateLogger<DestinationEngine>();
        _events = new EngineEvents(loggers.CreateLogger<EngineEvents>());
        _clock = new MonotonicClock(time);
        _metrics = new EngineMetrics(metrics, registry, "destination", options.Series, loggers);
        _queue = new FinalizeQueue(options.FinalizeWorkers, time);
        _room = new RoomWatch(_options, store.GetFreeBytes, loggers.CreateLogger<RoomWatch>());
        _hub = new WatchHub(time);
        _quotas = new PeerQuotas(_hub.Room);
        _watch = client is null ? null : new ClientWatch(client, time, loggers.CreateLogger<ClientWatch>());
        _readBack = client is null ? null : new ReadBack(client, time, loggers.CreateLogger<ReadBack>());
        _sweeper = new OrphanSweeper(_options.Current, store, _watch, _metrics, loggers.CreateLogger<OrphanSweeper>());
        _status = new Status.EngineStatus { At = time.GetUtcNow() };
        _metrics.ReadDestination(ReadGauges);
    }

    /// <summary>
    /// Goes on by other options, each torrent with its next step. What a running engine cannot change stays as it is: where torrents are saved, times between
    /// looks, bounds and numbers of workers. From any thread.
    /// </summary>
    /// <exception cref="ArgumentException">The options are not valid, and those before stay in force; the message names each.</exception>
    public void Apply(DestinationOptions options)
    {
        var next = options.WithFixedOf(_options.Current);
        if (next.Validate(_client is not null) is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(' ', errors), nameof(options));
        }

        _options.Replace(next);
        _metrics.Apply(next.Series);
    }

    /// <inheritdoc />
    public PieceAckStatus Begin(Caller caller, PieceRef piece, ulong epoch, out IPieceTransfer? transfer)
    {
        transfer = null;
        if (_context is null || _isStopping)
        {
            return PieceAckStatus.Busy;
        }

        return _sessions.TryGetValue(piece.Torrent, out var session)
            ? session.Begin(caller.Source, piece.Index, epoch, out transfer)
            : PieceAckStatus.NotOpen;
    }

    /// <inheritdoc />
    public int? GetEnd(PieceRef piece)
    {
        if (!_sessions.TryGetValue(piece.Torrent, out var session) || session.View.Storage is not { } storage
            || (uint)piece.Index >= (uint)storage.Request.Manifest.PieceCount)
        {
            return null;
        }

        List<PieceSegment> segments = [];
        storage.Layout.GetSegments(piece.Index, segments);
        return segments.FindLast(static segment => !segment.IsPad) is { Length: > 0 } last ? last.PieceOffset + last.Length : null;
    }

    /// <inheritdoc />
    public IPieceLink OpenLink(Caller caller, IPieceLinkSink sink) => new LocalPieceLink(this, caller, sink, _time);

    /// <summary>Stops the engine if it still runs, and waits for that.</summary>
    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _metrics.Retire();
        if (_readBack is { } readBack)
        {
            await readBack.DisposeAsync().ConfigureAwait(false);
        }
    }

    private SessionContext MakeContext()
    {
        var opener = new SessionOpener(_options, _store, _client, _quotas);
        var registrar = _client is null
            ? null
            : new ClientRegistrar(_options, _client, _readBack!, _watch!, _metrics, _time, _loggers.CreateLogger<ClientRegistrar>());
        return new SessionContext(
            _options,
            _store.Incarnation,
            opener,
            new EarlyFileFinalizer(_options, _queue, _metrics, _loggers.CreateLogger<EarlyFileFinalizer>()),
            new Finalizer(_queue, registrar, _watch, _metrics, _time, _loggers.CreateLogger<Finalizer>()),
            _client is null ? null : new SeedingControl(_options.Current, _client, _readBack!, _metrics, _time),
            _watch,
            _room,
            _quotas,
            _hub,
            _metrics,
            _events,
            _loggers.CreateLogger<TorrentSession>(),
            _time);
    }
}
