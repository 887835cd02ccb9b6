using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Engine.Plans;
using QbSync.Engine.Shared;
using QbSync.Engine.Source;
using QbSync.Engine.Source.Peers;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine;

/// <summary>
/// What a <see cref="SourceEngine"/> would do, said and not done: by the same planner, from what client, destination and records tell. Only reads are called,
/// whatever it is made from; give it a client and records that cannot be written all the same. Runs once; its <see cref="Status"/> may be read from any thread.
/// </summary>
public sealed partial class SourceDryRun : IAsyncDisposable
{
    /// <summary>How long the first plan waits for the destination's first word.</summary>
    private static readonly TimeSpan FirstWord = TimeSpan.FromSeconds(5);

    /// <summary>Who watches the status takes one that stands still for minutes for a loop that hangs.</summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _disposed = new();
    private readonly Live<SourceOptions> _options;
    private readonly ITorrentClient _client;
    private readonly IDestination _destination;
    private readonly IPieceReader _reader;
    private readonly RecordStore _records;
    private readonly EngineMetrics _metrics;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly MonotonicClock _clock;
    private readonly Chance _chance;
    private readonly Dictionary<InfoHash, PlanLine> _said = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile EngineStatus _status;
    private volatile PeerWatcher? _peer;
    private readonly Lazy<Task<Planner>> _planner;
    private volatile string? _peerProblem;
    private volatile bool _isGreeted;
    private volatile SourceReport _report = SourceReport.Empty;
    private Task? _running;
    private string _problem = "";

    /// <summary>Makes it; nothing is asked before <see cref="RunAsync"/>.</summary>
    /// <exception cref="ArgumentException">The options are not valid; the message has every fault.</exception>
    public SourceDryRun(
        SourceOptions options,
        ITorrentClient client,
        IDestination destination,
        IPieceReader reader,
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

        (_options, _client, _reader, _loggers) = (new Live<SourceOptions>(options.WithFixedOf(options)), client, reader, loggers);
        _destination = new ReadOnlyDestination(destination);
        _records = new RecordStore(records, loggers.CreateLogger<RecordStore>());
        _metrics = new EngineMetrics(metrics, registry, "source", options.Series, loggers);
        _logger = loggers.CreateLogger<SourceDryRun>();
        _clock = new MonotonicClock(time);
        _chance = new Chance(random);
        _status = new EngineStatus { At = time.GetUtcNow() };
        _planner = new Lazy<Task<Planner>>(MakePlannerAsync);
    }

    /// <summary>What it would do: the word of each torrent stands for its state.</summary>
    public EngineStatus Status => _status;

    /// <summary>Says what would be done, and what changes of it, until <paramref name="stop"/>.</summary>
    /// <exception cref="StorageException">A record was written by a newer version.</exception>
    public Task RunAsync(CancellationToken stop)
    {
        if (_running is not null)
        {
            throw new InvalidOperationException("A dry run runs once.");
        }

        return _running = RunOnceAsync(stop);
    }

    /// <inheritdoc cref="SourceEngine.Apply" />
    public void Apply(SourceOptions options)
    {
        var next = options.WithFixedOf(_options.Current);
        if (next.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        _options.Replace(next);
        _metrics.Apply(next.Series);
        Volatile.Read(ref _news).TrySetResult();
    }

    /// <summary>Who is trusted has changed: a destination that was parked for want of trust is asked at once.</summary>
    public void TrustChanged() => _peer?.TrustChanged();

    /// <summary>Stops it, if it runs, and waits for that.</summary>
    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync().ConfigureAwait(false);
        if (_running is { } running)
        {
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _disposed.Dispose();
    }

    private async Task RunOnceAsync(CancellationToken stop)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop, _disposed.Token);
        var planner = await _planner.Value.WaitAsync(ends.Token).ConfigureAwait(false);
        _peer = planner.Peer;
        _metrics.PublishSource(() => _report, () => (int)planner.Peer.State, _options);
        Log.Began(_logger);
        var watching = Task.Run(() => planner.Peer.RunAsync(ends.Token), CancellationToken.None);
        await RestAsync(FirstWord, ends.Token).ConfigureAwait(false);
        while (!ends.IsCancellationRequested)
        {
            await CycleAsync(planner, ends.Token).ConfigureAwait(false);
            await RestAsync(_options.Current.Sleep < LongestRest ? _options.Current.Sleep : LongestRest, ends.Token).ConfigureAwait(false);
        }

        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Waits for the next cycle, or for news of the destination.</summary>
    private async Task RestAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var news = Volatile.Read(ref _news);
        await Task.WhenAny(_clock.DelayAsync(time, over.Token).AsTask(), news.Task).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        if (news.Task.IsCompleted)
        {
            // Taken; what comes from here on ends the next wait.
            Volatile.Write(ref _news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
    }

    private ValueTask OnPeerAsync(PeerEvent news, CancellationToken cancellationToken)
    {
        switch (news)
        {
            case PeerEvent.Up:
                (_isGreeted, _peerProblem) = (true, "");
                Volatile.Read(ref _news).TrySetResult();
                break;
            case PeerEvent.Down down:
                if (_peerProblem is not { Length: > 0 })
                {
                    Volatile.Read(ref _news).TrySetResult();
                }

                _peerProblem = down.Problem;
                break;
        }

        return default;
    }

    private async Task CycleAsync(Planner planner, CancellationToken cancellationToken)
    {
        bool? clientOk = null;
        try
        {
            Say(await planner.Desk.UseAsync(
                async maker =>
                {
                    var update = await _client.PollAsync([], cancellationToken).ConfigureAwait(false);
                    clientOk = true;
                    _report = _report with { FreeBytes = new Dictionary<string, long?> { [_options.Current.Data] = update.FreeBytes }, At = _clock.WallNow };
                    return await maker.MakeAsync(new PlanBasis(update, planner.Records, IsPeerReady(planner)), cancellationToken).ConfigureAwait(false);
                },
                cancellationToken).ConfigureAwait(false));
            _problem = "";
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is QbSyncException or TimeoutException)
        {
            clientOk ??= false;
            if (_problem != e.Message)
            {
                _problem = e.Message;
                Log.NotAsked(_logger, _problem);
            }
        }

        Show(clientOk);
    }

    /// <summary>Prints the lines that are new or other than before.</summary>
    private void Say(IReadOnlyList<PlanLine> lines)
    {
        var isChanged = false;
        foreach (var line in lines)
        {
            if (!_said.TryGetValue(line.Id, out var before) || before != line)
            {
                isChanged = true;
                _said[line.Id] = line;
                Log.Line(_logger, line.Name, line.Id, line.Action, line.Reason, line.BytesToSend, line.BytesToLink, line.BytesToFree);
            }
        }

        var known = lines.Select(static line => line.Id).ToHashSet();
        foreach (var gone in _said.Values.Where(line => !known.Contains(line.Id)).ToArray())
        {
            isChanged = true;
            _said.Remove(gone.Id);
            Log.Gone(_logger, gone.Name, gone.Id);
        }

        if (isChanged)
        {
            Log.Sums(
                _logger,
                lines.Count,
                lines.Sum(static line => line.BytesToSend),
                lines.Sum(static line => line.BytesToLink),
                lines.Sum(static line => line.BytesToFree));
        }
    }

    private void Show(bool? clientOk) => _status = new EngineStatus
    {
        At = _clock.WallNow,
        IsStarted = true,
        ClientOk = clientOk,
        PeerOk = _peerProblem is { } problem ? problem.Length == 0 : null,
        Problem = string.Join(' ', new[] { _problem, _peerProblem ?? "" }.Where(static text => text.Length > 0)),
        Torrents =
        [
            .. _said.Values.OrderBy(static line => line.Name, StringComparer.Ordinal).Select(static line => new TorrentProgress
            {
                Id = line.Id,
                Name = line.Name,
                State = line.Action.ToString(),
                Bytes = line.BytesToSend,
                Reason = line.Reason,
            }),
        ],
    };
}
