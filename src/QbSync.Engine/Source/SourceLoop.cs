using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using QbSync.Engine.Shared;
using QbSync.Engine.Source.Cleanup;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Peers;
using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Source.Tracking;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>
/// The one owner of all torrents: only this loop adds, moves or forgets one. Monitor, link, phases and timer post commands; the loop itself does no I/O and
/// waits for nothing but its next command.
/// </summary>
internal sealed partial class SourceLoop : IMonitorSink, IDisposable
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(200);
    private readonly Channel<SourceCommand> _commands = Channel.CreateBounded<SourceCommand>(
        new BoundedChannelOptions(4096) { SingleReader = true }); // Writers wait, so that a flood of news slows those who bring it.
    private readonly SourceDependencies _with;
    private SourceOptions _options;
    private readonly ILogger<SourceLoop> _logger;
    private readonly StatusHolder _status;
    private readonly Dictionary<InfoHash, TorrentSync> _syncs = [];
    private readonly PieceMonitor _monitor;
    private readonly PeerWatcher _peer;
    private readonly RecordWriter _records;
    private readonly PhaseWork _work;
    private readonly ContentLoader _loader;
    private readonly CapacityHold _capacity = new();
    private readonly AsyncPulse _pulse = new();
    private readonly StreamScheduler _scheduler;
    private SyncFilter _filter;
    private readonly PieceAcks _acks;
    private readonly PiecePump _pump;
    private readonly DestinationCalls _destination;
    private readonly FaultRules _faults;
    private readonly CancellationTokenSource _phasesEnd = new();
    private readonly ReadBack _readBack;
    private IPieceLink? _link;

    public SourceLoop(SourceDependencies with, Caller caller, StatusHolder status, RecoveryLedger ledger)
    {
        _ledger = ledger;
        _with = with;
        _options = with.Options.Current;
        _status = status;
        _logger = with.Loggers.CreateLogger<SourceLoop>();
        _rates = new RateSchedule(_options.BandwidthSchedule, _options.RateLimit);
        _faults = new FaultRules(_options.ReconnectMaxDelay);
        _monitor = new PieceMonitor(with.Client, with.Options, with.Clock, with.Metrics, this, with.Loggers.CreateLogger<PieceMonitor>());
        _peer = new PeerWatcher(
            with.Destination,
            caller,
            _options,
            with.Clock,
            with.Chance,
            with.Metrics,
            (news, cancellationToken) => _commands.Writer.WriteAsync(new SourceCommand.Peer(news), cancellationToken),
            with.Loggers.CreateLogger<PeerWatcher>());
        _destination = new DestinationCalls(with.Destination, caller, _peer, _options.CallTimeout, with.Clock);
        _plans = MakePlanDesk();
        _records = new RecordWriter(with.Records, with.Loggers.CreateLogger<RecordWriter>());
        _loader = new ContentLoader(with.Client, with.Reader, with.Options, with.Clock);
        _readBack = new ReadBack(with.Client, with.Clock.Provider, with.Loggers.CreateLogger<ReadBack>());
        _work = new PhaseWork(_loader, with.Client, _readBack, _destination, with.Reader, _records, with.Clock, with.Metrics);
        _lists = new ClientLists(with.Clock.Provider);
        _space = new FreeSpace(_options.MinSpace);
        _sampler = new SpaceSampler(
            with.Files,
            with.Options,
            with.Clock,
            (sample, cancellationToken) => _commands.Writer.WriteAsync(new SourceCommand.Space(sample), cancellationToken),
            with.Loggers.CreateLogger<SpaceSampler>());
        _index = new PathIndex(with.Client, with.Files, with.Options, with.Clock, with.Loggers.CreateLogger<PathIndex>());
        _sharedFiles = new SharedFiles(_index, with.Loggers.CreateLogger<SharedFiles>());
        _turns = new DeleteTurns(with.Clock, _options.MinSpace);
        _handoff = MakeHandoffServices();
        _scheduler = new StreamScheduler(_capacity, _options.Order == BacklogOrder.Fair, _options.MaxActive);
        _filter = new SyncFilter(_options.Filter);
        _acks = new PieceAcks(
            with.Clock,
            _capacity,
            _pulse,
            id => _commands.Writer.TryWrite(new SourceCommand.Edge(id)),
            connected => _commands.Writer.TryWrite(new SourceCommand.Link(connected)),
            _peer);
        _pump = new PiecePump(
            _options, _scheduler, _acks, _capacity, with.Reader, with.Clock, with.Chance, _pulse, with.Loggers.CreateLogger<PiecePump>());
    }

    /// <summary>Whether calls to the destination make sense now.</summary>
    private bool PeerReady => _greeting is not null && _peer.State == PeerGateState.Closed;

    private TimeSpan Now => _with.Clock.Now;

    /// <summary>Who is trusted has changed. From any thread.</summary>
    public void TrustChanged() => _peer.TrustChanged();

    public void Dispose()
    {
        _work.Dispose();
        _phasesEnd.Dispose();
    }

    public ValueTask OnSnapshotAsync(ClientSnapshot snapshot, CancellationToken cancellationToken) =>
        _commands.Writer.WriteAsync(new SourceCommand.Seen(snapshot), cancellationToken);

    public ValueTask OnPiecesAsync(ClientTorrentId id, Pieces.PieceBitmap pieces, CancellationToken cancellationToken) =>
        _commands.Writer.WriteAsync(new SourceCommand.Pieces(id, pieces), cancellationToken);

    public ValueTask OnClientAsync(string problem, CancellationToken cancellationToken) =>
        _commands.Writer.WriteAsync(new SourceCommand.Client(problem), cancellationToken);

    /// <summary>Runs until stopped; see <see cref="SourceEngine.RunAsync(CancellationToken, CancellationToken)"/>.</summary>
    public async Task RunAsync(
        IReadOnlyList<TorrentRecord> records, IReadOnlyList<HandoffEntry> handoffs, CancellationToken stop, CancellationToken hurry)
    {
        RestoreBlaming(records);
        RestoreHandoffs(handoffs);
        PublishMetrics();

        // Not by the stop: what is on its way needs client, destination and loop until it has come to an end.
        using var feedersEnd = new CancellationTokenSource();
        var writing = _records.RunAsync();
        Task[] feeders =
        [
            Task.Run(() => _monitor.RunAsync(feedersEnd.Token), CancellationToken.None),
            Task.Run(() => _peer.RunAsync(feedersEnd.Token), CancellationToken.None),
            Task.Run(() => TickAsync(feedersEnd.Token), CancellationToken.None),
            Task.Run(() => _sampler.RunAsync(feedersEnd.Token), CancellationToken.None),
            Task.Run(() => _index.RunAsync(feedersEnd.Token), CancellationToken.None),
        ];
        var looping = Task.Run(() => LoopAsync(feeders, feedersEnd.Token), CancellationToken.None);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(() => stopped.TrySetResult()).ConfigureAwait(false);
        await Task.WhenAny(looping, stopped.Task).ConfigureAwait(false);
        await StopAsync(feedersEnd, feeders, looping, writing, hurry).ConfigureAwait(false);
        await looping.ConfigureAwait(false);
    }

    private async Task LoopAsync(Task[] feeders, CancellationToken stop)
    {
        using var faulted = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var fault = Task.WhenAny(feeders).ContinueWith(
            _ => faulted.Cancel(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            while (await _commands.Reader.WaitToReadAsync(faulted.Token).ConfigureAwait(false))
            {
                while (_commands.Reader.TryRead(out var command))
                {
                    HandleBlaming(command);
                }

                AskStatuses();
                Reschedule();
                Report();
            }
        }
        catch (OperationCanceledException) when (faulted.IsCancellationRequested)
        {
            foreach (var feeder in feeders)
            {
                // A feeder ends before the stop only by a fault, and a source that sees nothing must not look alive.
                await (feeder.IsFaulted ? feeder : Task.CompletedTask).ConfigureAwait(false);
            }
        }

        await (stop.IsCancellationRequested ? fault : Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Handle(SourceCommand command)
    {
        switch (command)
        {
            case SourceCommand.Seen seen:
                OnSeen(seen.Snapshot);
                break;
            case SourceCommand.Pieces pieces:
                OnPieces(pieces.Id, pieces.Has);
                break;
            case SourceCommand.Client client:
                OnClient(client.Problem);
                break;
            case SourceCommand.Peer peer:
                OnPeer(peer.Event);
                break;
            case SourceCommand.Link link:
                OnLink(link.Connected);
                break;
            case SourceCommand.PhaseEnded ended:
                OnPhaseEnded(ended);
                break;
            case SourceCommand.Progress progress:
                OnProgress(progress);
                break;
            case SourceCommand.Statuses statuses:
                OnStatuses(statuses);
                break;
            case SourceCommand.Bitmaps bitmaps:
                OnBitmaps(bitmaps);
                break;
            case SourceCommand.HandoffMoved moved:
                OnHandoffMoved(moved.Run);
                break;
            case SourceCommand.HandoffEnded ended:
                OnHandoffEnded(ended.Run, ended.End);
                break;
            case SourceCommand.Edge edge when _syncs.TryGetValue(edge.Id, out var sync):
                OnEdges(sync);
                break;
            case SourceCommand.Space space:
                OnSpace(space.Sample);
                break;
            case SourceCommand.Grouped grouped:
                OnGrouped(grouped);
                break;
            case SourceCommand.Leave:
                _isLeaving = true;
                break;
            case SourceCommand.Drain drain:
                OnDrain(drain.Answer);
                break;
            case SourceCommand.Retry retry:
                OnRetry(retry);
                break;
            case SourceCommand.Plan plan:
                OnPlan(plan);
                break;
            case SourceCommand.HandOff handOff:
                OnHandOff(handOff);
                break;
            case SourceCommand.DrainLooked looked:
                OnDrainLooked(looked.Look);
                break;
            case SourceCommand.DrainEnded ended:
                OnDrainEnded(ended.Answer);
                break;
            case SourceCommand.Stop stop:
                stop.Answer.SetResult(OnStop());
                break;
            case SourceCommand.Tick:
                OnTick();
                break;
        }
    }

    private async Task TickAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TickInterval, _with.Clock.Provider);
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                await _commands.Writer.WriteAsync(SourceCommand.Tick.Instance, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private void OnTick()
    {
        TakeOptions();
        foreach (var sync in _syncs.Values.ToArray())
        {
            OnEdges(sync);
            if (sync.Hold is { } hold && hold.RetryAt <= Now)
            {
                sync.Hold = null;
                Consider(sync);
            }
        }

        TellPeer();
        HoldDialing();
        ApplyRate();
        if (_link is { } link && !_isStopping)
        {
            _pump.EnsureWorkers(link);
        }

        Validate();
        Heal();
        TickHandoffs();
        SampleUploads();
        Clean();
        Drain();
        ForgetBlame();
        _isScheduleDue = true;
        _pulse.Pulse();
    }
}
