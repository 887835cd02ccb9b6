using Prometheus;
using QbSync.Engine;
using QbSync.Engine.Destination;
using QbSync.Engine.Status;
using QbSync.Host.Commands.Demo;
using QbSync.Ports;
using QbSync.QBittorrent;
using QbSync.Storage;
using QbSync.Storage.IO;
using QbSync.Storage.Pieces;
using QbSync.Storage.State;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Processes;

namespace QbSync.ClientTests;

/// <summary>
/// A whole source and a whole destination in this process between two real clients, with a tracker beside them and a third client to download from. Every call
/// of either engine can be seen and held; either engine and either client can be ended and started again.
/// </summary>
internal sealed partial class EnginesLab : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly QBittorrentProcesses _processes;
    private readonly EnginesLabOptions _options;
    private readonly System.Collections.Concurrent.ConcurrentBag<IAsyncDisposable> _clients = [];
    private readonly System.Collections.Concurrent.ConcurrentDictionary<CollectorRegistry, bool> _registries = new();
    private readonly SemaphoreSlim _seederGate = new(1);
    private QBittorrentInstance? _seeder;
    private ITorrentClient? _seederClient;
    private RunningEngine? _source, _destination;
    private QBittorrentTorrentClient _engineSourceClient = null!, _engineDestinationClient = null!;
    private LabDestination? _door;

    private EnginesLab(QBittorrentProcesses processes, EnginesLabOptions options) => (_processes, _options) = (processes, options);

    public QBittorrentInstance Source { get; private set; } = null!;

    public QBittorrentInstance Destination { get; private set; } = null!;

    /// <summary>The clients as the test uses them beside the engines.</summary>
    public QBittorrentTorrentClient SourceClient { get; private set; } = null!;

    public QBittorrentTorrentClient DestinationClient { get; private set; } = null!;

    /// <summary>What the source engine asks of its client.</summary>
    public PortCalls<ITorrentClient> AtSource { get; private set; } = null!;

    /// <summary>What the destination engine asks of its client.</summary>
    public PortCalls<ITorrentClient> AtDestination { get; private set; } = null!;

    /// <summary>What the source engine asks of the destination.</summary>
    public PortCalls<IDestination> Verbs { get; private set; } = null!;

    public SourceEngine SourceEngine { get; private set; } = null!;

    public DestinationEngine DestinationEngine { get; private set; } = null!;

    public LocalTracker Tracker { get; } = new();

    /// <summary>What the source engine writes down.</summary>
    public PortCalls<IDurableRecords> Records { get; private set; } = null!;

    /// <summary>The log of the source engine that runs.</summary>
    public LogErrorGuard SourceLogs { get; private set; } = new();

    public LogErrorGuard DestinationLogs { get; } = new();

    public CollectorRegistry SourceRegistry { get; private set; } = null!;

    /// <summary>Starts both clients and both engines; the test is ignored where there is no qBittorrent.</summary>
    public static async Task<EnginesLab> StartAsync(EnginesLabOptions? options = null)
    {
        options ??= new EnginesLabOptions();
        var executable = options.Executable ?? QBittorrentProcesses.FindExecutable();
        if (executable is null)
        {
            Assert.Ignore("qbittorrent-nox is not installed.");
        }

        var lab = new EnginesLab(new QBittorrentProcesses(executable!, TimeProvider.System, FreePorts.Take), options);
        var clients = await Task.WhenAll(lab.StartClientAsync("source", options.SourceSession), lab.StartClientAsync("destination", options.DestinationSession));
        (lab.Source, lab.Destination) = (clients[0], clients[1]);
        (lab.SourceClient, lab.DestinationClient) = (lab.Connect(lab.Source, "source"), lab.Connect(lab.Destination, "destination"));
        (lab._engineSourceClient, lab._engineDestinationClient) = (lab.Connect(lab.Source, "source"), lab.Connect(lab.Destination, "destination"));
        lab.StartDestination();
        lab.StartSource();
        return lab;
    }

    public QBittorrentTorrentClient Connect(QBittorrentInstance instance, string mode = "source")
    {
        var registry = NewRegistry();
        var client = new QBittorrentTorrentClient(
            new QBittorrentOptions { Url = instance.Url, TorrentsDirectory = Path.Combine(Path.GetDirectoryName(instance.SavePath)!, "qBittorrent", "data", "BT_backup") },
            Metrics.WithCustomRegistry(registry),
            registry,
            mode,
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
            TimeProvider.System,
            new Random(1));
        _clients.Add(client);
        return client;
    }

    public void StartDestination()
    {
        var registry = NewRegistry();
        var metrics = Metrics.WithCustomRegistry(registry);
        var storage = new StorageOptions { DataRoot = Destination.SavePath, StateDirectory = _folder["destination-state"], MinFreeBytes = 0 };
        var store = new TorrentStore(storage, metrics, registry, DestinationLogs, TimeProvider.System);
        var options = new DestinationOptions
        {
            SavePath = Destination.SavePath,
            DataRoot = Destination.SavePath,
            MinFreeBytes = 0,
            PollInterval = TimeSpan.FromMilliseconds(200),
        };
        _options.ConfigureDestination?.Invoke(options);
        AtDestination = PortCalls<ITorrentClient>.Of(_options.WrapDestinationClient?.Invoke(_engineDestinationClient) ?? _engineDestinationClient);
        DestinationEngine = new DestinationEngine(options, store, AtDestination.Port, metrics, registry, DestinationLogs, TimeProvider.System, new Random(2));
        _destination = new RunningEngine(DestinationEngine.RunAsync, DestinationEngine, store);
        _door ??= new LabDestination();
        _door.Open(DestinationEngine);
    }

    public void StartSource()
    {
        SourceRegistry = NewRegistry();
        var metrics = Metrics.WithCustomRegistry(SourceRegistry);
        var reader = new PieceReader(new StorageOptions { ReaderOpenFiles = 64 }, metrics, SourceRegistry, SourceLogs, TimeProvider.System);
        var records = new DurableRecords(_folder.CreateFolder("source-state"), SourceLogs);
        var options = new SourceOptions
        {
            Data = Source.SavePath,
            PollInterval = TimeSpan.FromMilliseconds(200),
            MinSpace = 0,
            ExcludeSyncTag = "keep out",
            Sleep = TimeSpan.FromSeconds(1),
        };
        _options.ConfigureSource?.Invoke(options);
        AtSource = PortCalls<ITorrentClient>.Of(_options.WrapSourceClient?.Invoke(_engineSourceClient) ?? _engineSourceClient);
        Verbs = PortCalls<IDestination>.Of(_door!);
        Records = PortCalls<IDurableRecords>.Of(records);
        SourceEngine = new SourceEngine(
            options, AtSource.Port, Verbs.Port, reader, _options.Files ?? new LocalFiles(), Records.Port, metrics, SourceRegistry, SourceLogs, _options.SourceTime ?? TimeProvider.System, new Random(3));
        _source = new RunningEngine(SourceEngine.RunAsync, SourceEngine, records, reader);
    }

    public async Task StopSourceAsync()
    {
        await _source!.DisposeAsync();
        _source = null;
    }

    /// <summary>
    /// Ends the source engine as a power cut would: from now on nothing that it asks, writes or hears passes. Another one may be started at once.
    /// </summary>
    public async Task CrashSourceAsync()
    {
        AtSource.CutOff();
        Verbs.CutOff();
        Records.CutOff();
        var (source, logs) = (_source!, SourceLogs);
        _registries.TryRemove(SourceRegistry, out _); // what was cut off ends at no time that is known
        _source = null;
        SourceLogs = new LogErrorGuard();

        // What it logs to the end of its days is of no interest, and its records are free when it has let them go.
        await source.AbandonAsync();
        logs.Dispose();
    }

    public async Task StopDestinationAsync()
    {
        await _door!.CloseAsync();
        await _destination!.DisposeAsync();
        _destination = null;
    }

    /// <summary>Fails, with the client's last words, if a client has ended though nobody had told it to.</summary>
    public void AssertClientsRun() => Assert.That(_processes.UnaskedEnds, Is.Empty, "clients ended by themselves");

    /// <summary>Asks a client to end, and waits for it.</summary>
    public static async Task ShutDownAsync(QBittorrentInstance instance)
    {
        instance.ExpectEnd();
        await Person.PostAsync(instance, "app/shutdown");
        await Eventually.BecomesTrueAsync(() => !Directory.Exists($"/proc/{instance.ProcessId}"), expression: "the client has ended");
    }

    /// <summary>Kills a client as a power cut would.</summary>
    public static Task KillAsync(QBittorrentInstance instance) => instance.KillAsync(CancellationToken.None);

    /// <summary>Starts the source's client again at the same address, with what it had saved.</summary>
    public async Task StartSourceClientAgainAsync() => Source = await StartClientAsync("source", _options.SourceSession, Source.Url.Port);

    public async Task StartDestinationClientAgainAsync() => Destination = await StartClientAsync("destination", _options.DestinationSession, Destination.Url.Port);

    public TorrentProgress? Progress(BuiltTorrent torrent) => SourceEngine.Status.Torrents.FirstOrDefault(shown => shown.Id == torrent.Id);

    public async Task<Scrape> ScrapeSourceAsync()
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(SourceRegistry, text);
        return new Scrape(System.Text.Encoding.UTF8.GetString(text.ToArray()));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var engine in (RunningEngine?[])[_source, _destination])
        {
            if (engine is not null)
            {
                await engine.DisposeAsync();
            }
        }

        await (_door?.CloseAsync() ?? Task.CompletedTask);
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        await MetricLaws.VerifyAsync(_registries.Keys);
        await _processes.DisposeAsync();
        await Tracker.DisposeAsync();
        _folder.Dispose();
        _seederGate.Dispose();
        AssertClientsRun();
        DestinationLogs.Verify();
        SourceLogs.Verify();
    }

    /// <summary>One whose laws are checked at the end.</summary>
    private CollectorRegistry NewRegistry()
    {
        var registry = Metrics.NewCustomRegistry();
        _registries[registry] = true;
        return registry;
    }

    private Task<QBittorrentInstance> StartClientAsync(string name, Func<string, Dictionary<string, string>>? makeSession, int? port = null) => _processes.StartAsync(
        new QBittorrentInstanceOptions { Directory = _folder[name], WebPort = port, Session = makeSession?.Invoke(_folder[name]) ?? [] }, CancellationToken.None);

    /// <summary>An engine's run with what it needs, ended together.</summary>
    private sealed class RunningEngine : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;
        private readonly object[] _owned;

        public RunningEngine(Func<CancellationToken, Task> run, params object[] owned)
        {
            _owned = owned;
            _run = Task.Run(() => run(_stop.Token));
        }

        /// <summary>Lets it end whenever and however it does.</summary>
        public async Task AbandonAsync()
        {
            await _stop.CancelAsync();
            foreach (var owned in _owned.OfType<DurableRecords>())
            {
                await owned.DisposeAsync();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run.DefaultTimeout();
            foreach (var owned in _owned)
            {
                if (owned is IAsyncDisposable disposable)
                {
                    await disposable.DisposeAsync();
                }
                else
                {
                    ((IDisposable)owned).Dispose();
                }
            }

            _stop.Dispose();
        }
    }
}

/// <summary>What a lab of engines is to be like, where it is not plain.</summary>
internal sealed record EnginesLabOptions
{
    /// <summary>The client's program; the one at hand when null.</summary>
    public string? Executable { get; init; }

    /// <summary>Further settings of the source's client, from its folder.</summary>
    public Func<string, Dictionary<string, string>>? SourceSession { get; init; }

    /// <summary>Further settings of the destination's client, from its folder.</summary>
    public Func<string, Dictionary<string, string>>? DestinationSession { get; init; }

    public Action<SourceOptions>? ConfigureSource { get; init; }

    public Action<DestinationOptions>? ConfigureDestination { get; init; }

    /// <summary>What the source engine has in its client's place.</summary>
    public Func<ITorrentClient, ITorrentClient>? WrapSourceClient { get; init; }

    /// <summary>What the destination engine has in its client's place.</summary>
    public Func<ITorrentClient, ITorrentClient>? WrapDestinationClient { get; init; }

    /// <summary>What the source engine asks about files and free space; the machine when null.</summary>
    public ILocalFiles? Files { get; init; }

    /// <summary>The source engine's clock.</summary>
    public TimeProvider? SourceTime { get; init; }
}
