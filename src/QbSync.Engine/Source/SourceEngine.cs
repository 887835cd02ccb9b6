using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Engine.Shared;
using QbSync.Engine.Source;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>
/// The source: finds torrents in a client, streams them to a destination piece by piece while they download, and finalizes them there. Needs neither client
/// nor destination to start. Runs once; its <see cref="Status"/> may be read from any thread.
/// </summary>
public sealed partial class SourceEngine : IAsyncDisposable
{
    private readonly SourceDependencies _dependencies;
    private readonly CancellationTokenSource _disposed = new();
    private readonly StatusHolder _status;
    private Task? _running;
    private volatile SourceLoop? _loop;

    /// <summary>Makes it; nothing is done before <see cref="RunAsync(CancellationToken)"/>.</summary>
    /// <exception cref="ArgumentException">The options are not valid; the message has every fault.</exception>
    public SourceEngine(
        SourceOptions options,
        ITorrentClient client,
        IDestination destination,
        IPieceReader reader,
        ILocalFiles files,
        IDurableRecords records,
        IMetricFactory metrics,
        CollectorRegistry registry,
        ILoggerFactory loggers,
        TimeProvider time,
        Random random)
    {
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        var clock = new MonotonicClock(time);
        _status = new StatusHolder(clock.WallNow);
        _dependencies = new SourceDependencies(
            new Live<SourceOptions>(options.WithFixedOf(options)),
            client,
            destination,
            reader,
            files,
            new RecordStore(records, loggers.CreateLogger<RecordStore>()),
            new HandoffJournal(records, loggers.CreateLogger<HandoffJournal>()),
            new AuditLog(records),
            new EngineMetrics(metrics, registry, "source", options.Series, loggers),
            loggers,
            clock,
            new Chance(random),
            new EngineEvents(loggers.CreateLogger<EngineEvents>()));
    }

    /// <summary>
    /// Something happened that may be worth telling. Called by the engine's own loop, one after the other: a listener returns at once, and what it throws is
    /// logged and nothing more.
    /// </summary>
    public event Action<EngineEvent>? Happened
    {
        add => _dependencies.Events.Raised += value;
        remove => _dependencies.Events.Raised -= value;
    }

    /// <summary>What it is doing: immutable, swapped at least once a second.</summary>
    public EngineStatus Status => _status.Current;

    /// <inheritdoc cref="RunAsync(CancellationToken, CancellationToken)" />
    public Task RunAsync(CancellationToken stop) => RunAsync(stop, CancellationToken.None);

    /// <summary>
    /// Runs until <paramref name="stop"/>: then takes nothing new, ends the pieces in hand, awaits acks in flight for a bounded time, has what is being
    /// handed over turn back, and returns. Throws only for a fault of its own, or state that it must not touch.
    /// </summary>
    /// <param name="stop">Ends it.</param>
    /// <param name="hurry">Once stopped, makes all of that take less than five seconds; what is not over by then is repaired at the next start.</param>
    /// <exception cref="StorageException">A record was written by a newer version, or records cannot be read.</exception>
    public Task RunAsync(CancellationToken stop, CancellationToken hurry)
    {
        if (_running is not null)
        {
            throw new InvalidOperationException("A source engine runs once.");
        }

        return _running = RunOnceAsync(stop, hurry);
    }

    /// <summary>
    /// Goes on by other options; they are in force within a second. What a running engine cannot change stays as it is: <see cref="SourceOptions.Data"/>,
    /// <see cref="SourceOptions.Name"/>, the numbers of workers, buffers and series, and the bounds of time for calls, stop and drain. From any thread.
    /// </summary>
    /// <exception cref="ArgumentException">The options are not valid, and those before stay in force; the message has every fault.</exception>
    public void Apply(SourceOptions options)
    {
        var next = options.WithFixedOf(_dependencies.Options.Current);
        if (next.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        _dependencies.Options.Replace(next);
    }

    /// <summary>Who is trusted has changed: a destination that was parked for want of trust is asked at once, not at the next knock.</summary>
    public void TrustChanged() => _loop?.TrustChanged();

    /// <summary>It will be stopped soon: from now on no torrent is taken up and no handoff begins, but by a drain.</summary>
    public void Leave() => _loop?.Leave();

    /// <summary>
    /// Hands over what is synced, and what becomes so in time, for as long as <see cref="HandoffOptions.DrainTimeout"/> says and half a minute more. The engine
    /// goes on running; stop it afterwards.
    /// </summary>
    /// <param name="hurry">Ends the drain at once; what is on its way is left to the stop that follows.</param>
    /// <returns>How it went; null when another drain is on, or there is nothing that could drain.</returns>
    public async Task<DrainReport?> DrainAsync(CancellationToken hurry)
    {
        if (_loop is not { } loop || _running is not { } running)
        {
            return null;
        }

        var draining = loop.DrainAsync(hurry);
        await Task.WhenAny(draining, running).ConfigureAwait(false);
        return draining.IsCompleted ? await draining.ConfigureAwait(false) : null;
    }

    /// <summary>Stops it, if it runs, and waits for that.</summary>
    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync().ConfigureAwait(false);
        if (_running is { } running)
        {
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _dependencies.Metrics.Retire();
        _disposed.Dispose();
    }

    private async Task RunOnceAsync(CancellationToken stop, CancellationToken hurry)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop, _disposed.Token);
        var sourceId = await _dependencies.Records
            .GetSourceIdAsync(static () => new Guid(RandomNumberGenerator.GetBytes(16)), CancellationToken.None).ConfigureAwait(false);
        var ledger = await _dependencies.Records.LoadLedgerAsync(CancellationToken.None).ConfigureAwait(false);
        InfoHash? inHand = null;
        try
        {
            await RunOnceAsync(sourceId, ledger, id => inHand = id, ends.Token, hurry).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not StorageException { Fault: StorageFault.NewerState } && (inHand ?? _dependencies.Records.InHand) is { } guilty)
        {
            // Three such ends and the torrent fails instead, or all others would wait for it for ever.
            await ledger.BlameAsync(guilty, CancellationToken.None).AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    /// <param name="onFault">Told which torrent was in hand when the loop failed.</param>
    private async Task RunOnceAsync(Guid sourceId, RecoveryLedger ledger, Action<InfoHash?> onFault, CancellationToken ends, CancellationToken hurry)
    {
        var records = await _dependencies.Records.LoadAsync(ledger, CancellationToken.None).ConfigureAwait(false);
        var handoffs = await _dependencies.Handoffs.LoadAsync(CancellationToken.None).ConfigureAwait(false);
        var caller = new Caller(sourceId, _dependencies.Options.Current.Name)
        {
            Incarnation = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
        };
        using var loop = new SourceLoop(_dependencies, caller, _status, ledger);
        loop.UseUploads(await _dependencies.Records.LoadUploadsAsync(CancellationToken.None).ConfigureAwait(false));
        _loop = loop;
        try
        {
            await loop.RunAsync(records, handoffs, ends, hurry).ConfigureAwait(false);
        }
        finally
        {
            onFault(loop.FaultedOn);
        }
    }
}
