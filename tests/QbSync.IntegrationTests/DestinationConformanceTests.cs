using QbSync.Engine;
using QbSync.Engine.Destination;
using QbSync.Host;
using QbSync.Host.Configuration;
using QbSync.Ports;
using QbSync.Storage;
using QbSync.Storage.FolderClient;
using QbSync.Storage.Pieces;
using QbSync.Testing.Destinations;
using QbSync.Testing.Logging;
using QbSync.Transport;

namespace QbSync.IntegrationTests;

/// <summary>The engine in this process.</summary>
internal sealed class LocalDestinationConformanceTests : DestinationConformance
{
    private readonly TempDirectory _folder = new();
    private readonly LogErrorGuard _logs = new();
    private readonly CancellationTokenSource _stop = new();
    private TorrentStore _store = null!;
    private FolderTorrentClient _client = null!;
    private DestinationEngine _engine = null!;
    private Task _run = Task.CompletedTask;

    protected override IDestination Destination => _engine;

    protected override string DataFolder => _folder.CreateFolder("data");

    [OneTimeSetUp]
    public void Start()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = Prometheus.Metrics.WithCustomRegistry(registry);
        _store = new TorrentStore(
            new StorageOptions { DataRoot = DataFolder, StateDirectory = _folder["state"], MinFreeBytes = 0 }, metrics, registry, _logs, TimeProvider.System);
        _client = new FolderTorrentClient(
            new FolderClientOptions { TorrentsDirectory = _folder["torrents"], DataDirectory = DataFolder }, _logs, TimeProvider.System);
        _engine = new DestinationEngine(
            new DestinationOptions { SavePath = DataFolder, DataRoot = DataFolder, MinFreeBytes = 0 }, _store, _client, metrics, registry, _logs, TimeProvider.System, new Random(1));
        _run = _engine.RunAsync(_stop.Token);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _run.DefaultTimeout();
        await _engine.DisposeAsync();
        await _client.DisposeAsync();
        await _store.DisposeAsync();
        _stop.Dispose();
        _folder.Dispose();
        _logs.Verify();
        _logs.Dispose();
    }
}

/// <summary>The same over gRPC on the loopback, served as the executable does.</summary>
internal sealed class RemoteDestinationConformanceTests : DestinationConformance
{
    private readonly TempDirectory _folder = new();
    private readonly LogErrorGuard _logs = new();
    private readonly CancellationTokenSource _stop = new();
    private DestinationNode _node = null!;
    private RemoteDestination _remote = null!;
    private RemoteDestination _other = null!;
    private Task _run = Task.CompletedTask;

    protected override IDestination Destination => _remote;

    protected override IDestination Other => _other;

    protected override string DataFolder => _folder.CreateFolder("data");

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        Dictionary<string, IReadOnlyList<string>> options = new()
        {
            ["data"] = [DataFolder],
            ["listen"] = ["127.0.0.1:0"],
            ["security"] = ["insecure"],
            ["min-free"] = ["0"],
            ["client"] = ["folder"],
            ["client-dir"] = [_folder.CreateFolder("torrents")],
            ["state-dir"] = [_folder["state"]],
            ["health-addr"] = [""],
        };
        var settings = RoleSettings.Read(Roles.Destination, options, new Dictionary<string, string>(), out var errors);
        Assert.That(errors, Is.Empty);
        _node = new DestinationNode(settings!, _logs, TimeProvider.System, new Random(1));
        await _node.StartAsync(CancellationToken.None);
        _run = _node.RunAsync(_stop.Token);
        _remote = Connect(2);
        _other = Connect(3);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _remote.DisposeAsync();
        await _other.DisposeAsync();
        await _stop.CancelAsync();
        await _run.DefaultTimeout();
        await _node.DisposeAsync();
        _stop.Dispose();
        _folder.Dispose();
        _logs.Verify();
        _logs.Dispose();
    }

    private RemoteDestination Connect(int seed)
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        return new RemoteDestination(
            new TransportClientOptions { Address = _node.ListenAddress!.Authority, Security = new() { Mode = SecurityMode.Insecure } },
            Prometheus.Metrics.WithCustomRegistry(registry),
            registry,
            _logs,
            TimeProvider.System,
            new Random(seed));
    }
}
