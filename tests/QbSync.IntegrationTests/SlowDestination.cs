using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Engine;
using QbSync.Engine.Destination;
using QbSync.Ports;
using QbSync.Storage;
using QbSync.Storage.Pieces;
using QbSync.Testing.FileSystems;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Processes;
using QbSync.Transport;

namespace QbSync.IntegrationTests;

/// <summary>A destination over gRPC on loopback, with its store on a simulated disk: a write of content ends when a test lets it.</summary>
internal sealed class SlowDestination : IAsyncDisposable
{
    private const string Data = "/data";
    private const string State = "/state";
    private readonly LogErrorGuard _log = new();
    private readonly SimFileSystem _files = new();
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _writes = new(0);
    private volatile bool _isFast;
    private int _begun;
    private TorrentStore _store = null!;
    private DestinationEngine _engine = null!;
    private WebApplication _server = null!;
    private Task _run = Task.CompletedTask;

    /// <summary>Runs before each write of content, in its thread.</summary>
    public Action OnWrite { get; set; } = static () => { };

    /// <summary>Writes of content that have begun.</summary>
    public int Writes => Volatile.Read(ref _begun);

    private string Address => new Uri(_server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Authority;

    /// <param name="budget">Most bytes of received chunks that are held.</param>
    public static async Task<SlowDestination> StartAsync(long budget)
    {
        var destination = new SlowDestination();
        await destination.RunAsync(budget);
        return destination;
    }

    /// <summary>So many writes end, those that wait or the next ones.</summary>
    public void Let(int writes) => _writes.Release(writes);

    /// <summary>From now on no write waits.</summary>
    public void LetAll()
    {
        _isFast = true;
        _writes.Release(1 << 20);
    }

    public Scrape Scrape()
    {
        using var text = new MemoryStream();
        MovedSeries.CollectAsync(_registry, text).GetAwaiter().GetResult();
        return new Scrape(System.Text.Encoding.UTF8.GetString(text.ToArray()));
    }

    /// <summary>A file of content; null where there is none.</summary>
    public byte[]? ReadContent(string name) => _files.ReadFile($"{Data}/{name}");

    /// <summary>A source of this torrent with one stream.</summary>
    public async Task<OneTorrentSource> OpenAsync(BuiltTorrent torrent)
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var options = new TransportClientOptions
        {
            Address = Address,
            Scaling = false,
            MinConnections = 1,
            MaxConnections = 1,
            MaxStreamsPerConnection = 1,

            // What waits for a disk is not given up, however late somebody comes to it.
            PieceTimeout = TimeSpan.FromHours(1),
            Congestion = new CongestionOptions { StartWindow = 16 << 20 },
            Security = new() { Mode = SecurityMode.Insecure },
        };
        var source = new OneTorrentSource(
            new RemoteDestination(options, Prometheus.Metrics.WithCustomRegistry(registry), registry, _log, TimeProvider.System, new Random(3)), torrent);
        await source.OpenAsync();
        return source;
    }

    public async ValueTask DisposeAsync()
    {
        LetAll();
        await _stop.CancelAsync();
        await _run.DefaultTimeout();
        await _server.DisposeAsync();
        await _engine.DisposeAsync();
        await _store.DisposeAsync();
        _stop.Dispose();
        _writes.Dispose();
        _log.Verify();
        _log.Dispose();
    }

    private async Task RunAsync(long budget)
    {
        _files.AddFolder(Data);
        _files.AddFolder(State);
        _files.Before = call =>
        {
            if (call.Operation == "Write" && call.Name.EndsWith(".qbsync-part", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref _begun);
                OnWrite();
                if (!_isFast)
                {
                    _writes.Wait();
                }
            }
        };
        var metrics = Prometheus.Metrics.WithCustomRegistry(_registry);
        _store = _files.NewStore(
            new StorageOptions { DataRoot = Data, StateDirectory = State, MinFreeBytes = 0 }, metrics, _registry, _log, TimeProvider.System);
        _engine = new DestinationEngine(
            new DestinationOptions { SavePath = Data, DataRoot = Data, MinFreeBytes = 0 }, _store, null, metrics, _registry, _log, TimeProvider.System, new Random(1));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton<ILoggerFactory>(_log);
        builder.Services.AddSingleton(_registry);
        builder.Services.AddSingleton<IMetricFactory>(metrics);
        builder.Services.AddSingleton<IDestination>(_engine);
        builder.Services.AddSingleton<IPieceIntake>(_engine);
        builder.Services.AddQbSyncServer(options => (options.Security.Mode, options.ReceiveBudget) = (SecurityMode.Insecure, budget));
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.ListenQbSync(new IPEndPoint(IPAddress.Loopback, 0)));
        _server = builder.Build();
        _server.MapQbSync();
        await _server.StartAsync();
        _run = Task.Run(() => _engine.RunAsync(_stop.Token));
    }
}
