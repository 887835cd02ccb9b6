using Microsoft.Extensions.Logging;
using QbSync.Engine;
using QbSync.Engine.Plans;
using QbSync.Engine.Status;
using QbSync.Host.Configuration;
using QbSync.Host.Endpoints;
using QbSync.Host.Kubernetes;
using QbSync.Host.Lifetime;
using QbSync.Host.Reporting;
using QbSync.Ports;
using QbSync.Storage;
using QbSync.Storage.IO;
using QbSync.Storage.Pieces;
using QbSync.Storage.State;
using QbSync.Torrents;
using QbSync.Transport;

namespace QbSync.Host;

/// <summary>The source role: a client to read from, a destination to send to, and the engine between them.</summary>
/// <param name="cluster">The cluster that this process is a pod of; null for none.</param>
internal sealed class SourceNode(
    RoleSettings settings, ILoggerFactory loggers, TimeProvider time, Random random, InClusterApi? cluster = null) : RoleNode(settings, loggers, time)
{
    private SourceEngine? _engine;
    private SourceDryRun? _dryRun;
    private ITorrentClient? _client;
    private RemoteDestination? _destination;
    private readonly TaskCompletionSource _drain = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private bool _isLeaving;

    public override EngineStatus? Status => _engine?.Status ?? _dryRun?.Status;

    protected override IReadOnlyList<ReadinessCheck> Checks =>
    [
        StatusCheck("state", status => status.IsStarted),
        StatusCheck("client", status => status.ClientOk == true),
        StatusCheck("destination", status => status.PeerOk == true),
    ];

    protected override StatusFacts Facts => new()
    {
        Mode = Settings.Mode,
        Name = Name,
        Engine = () => Status,
        Checks = Checks,
        Client = _client,
        Peers = engine => [Peer(engine)],
        MinSpace = Settings.Values.Bytes("min-space") is > 0 and var min ? min : null,
        Destination = Address,
    };

    protected override string Name => Settings.Values.TextOrNull("source-name") ?? Environment.MachineName;

    protected override ControlActions Actions => this switch
    {
        { _engine: { } engine } => new ControlActions
        {
            Drain = AskForDrain,
            RetryAsync = (id, cancellationToken) =>
            {
                RetryLogin();
                return engine.RetryAsync(id, cancellationToken);
            },
            HandOffAsync = engine.HandOffAsync,
            PlanAsync = engine.PlanAsync,
            ExplainAsync = engine.ExplainAsync,
        },
        { _dryRun: { } dryRun } => new ControlActions
        {
            PlanAsync = async token => await dryRun.PlanAsync(token),
            ExplainAsync = async (hash, token) => await dryRun.ExplainAsync(hash, token),
        },
        _ => ControlActions.None,
    };

    private string Address => Settings.Values.Address("destination-addr")!.Value.ToString();

    /// <summary>What would be done with each torrent, by a node that is not started: of settings for a dry run.</summary>
    /// <exception cref="QbSyncException">The state, the trust or the data cannot be used.</exception>
    public Task<SourcePlan> PlanOfflineAsync(CancellationToken cancellationToken) => MakeDryRun().PlanAsync(cancellationToken);

    /// <summary>What would be done with one torrent, and why, as <see cref="PlanOfflineAsync"/>.</summary>
    public Task<TorrentExplanation> ExplainOfflineAsync(InfoHash hash, CancellationToken cancellationToken) => MakeDryRun().ExplainAsync(hash, cancellationToken);

    /// <summary>When it is told to stop, and the user wants that, it hands everything over first.</summary>
    protected override async Task RunRoleAsync(CancellationToken stop, CancellationToken hurry)
    {
        if (_dryRun is not null)
        {
            await _dryRun.RunAsync(stop);
            return;
        }

        using var ends = new CancellationTokenSource();
        var running = _engine!.RunAsync(ends.Token, hurry);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(() => asked.TrySetResult());
        if (await Task.WhenAny(running, asked.Task, _drain.Task) != running)
        {
            _engine.Leave();
            var gate = new DrainGate(
                Settings.Values.Choice<DrainMode>("drain"), Settings.Values.Text("drain-annotation"), cluster, Time, Loggers.CreateLogger<DrainGate>());
            if (LeavesForDrain() || await gate.IsOpenAsync(hurry))
            {
                await _engine.DrainAsync(hurry);
            }
        }

        await ends.CancelAsync();
        await running;
    }

    protected override void Apply()
    {
        _engine?.Apply(EngineOptions.ForSource(Settings));
        _dryRun?.Apply(EngineOptions.ForSource(Settings));
    }

    protected override Random MakeRandom() => new(random.Next());

    protected override void Build()
    {
        IDurableRecords records = Settings.IsDryRun
            ? new ReadOnlyRecords(Settings.StateDirectory)
            : Own(new DurableRecords(Settings.StateDirectory, Loggers, Factory, Settings.Mode));
        var client = _client = OpenClient(records, random)!;
        var reader = new PieceReader(new StorageOptions { ReaderOpenFiles = Settings.Values.Integer("open-files") }, Factory, Registry, Loggers, Time);
        Own(new DisposeOnly(reader));
        var destination = Own(new RemoteDestination(
            EngineOptions.ForLink(Settings),
            Factory,
            Registry,
            Loggers,
            Time,
            random));
        _destination = destination;
        if (Settings.IsDryRun)
        {
            _dryRun = Own(new SourceDryRun(EngineOptions.ForSource(Settings), client, destination, reader, records, Factory, Registry, Loggers, Time, random));
            destination.TrustChanged += _dryRun.TrustChanged;
            return;
        }

        _engine = Own(new SourceEngine(EngineOptions.ForSource(Settings), client, destination, reader, new LocalFiles(), records, Factory, Registry, Loggers, Time, random));
        destination.TrustChanged += _engine.TrustChanged;
        _engine.Happened += Notify;
    }

    private SourceDryRun MakeDryRun()
    {
        Build();
        return _dryRun!;
    }

    /// <summary>A drain ends in a stop, so one that is stopping has nothing to begin. Who hears that it drains can rely on that, whatever comes in the same moment.</summary>
    private bool AskForDrain()
    {
        lock (_gate)
        {
            return !IsStopping && !_isLeaving && _drain.TrySetResult();
        }
    }

    /// <summary>Whether it was asked to drain. Now that it leaves, no answer to that changes any more.</summary>
    private bool LeavesForDrain()
    {
        lock (_gate)
        {
            _isLeaving = true;
            return _drain.Task.IsCompleted;
        }
    }

    private PeerStatus Peer(EngineStatus? engine)
    {
        var link = _destination!.Link;
        return new PeerStatus
        {
            Address = Address,
            Ok = engine?.PeerOk,
            Streams = link.OpenStreams,
            InFlightPieces = link.InFlightPieces,
            Connections =
            [
                .. link.Connections.Select(static one => new ConnectionStatus { Index = one.Index, RttMs = Math.Round(one.RoundTrip.TotalMilliseconds, 2) }),
            ],
        };
    }

    private sealed class DisposeOnly(IDisposable owned) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            owned.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
