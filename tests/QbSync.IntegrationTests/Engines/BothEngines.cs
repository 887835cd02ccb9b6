using Prometheus;
using QbSync.Engine;
using QbSync.Engine.Destination;
using QbSync.Engine.Status;
using QbSync.Storage;
using QbSync.Storage.FolderClient;
using QbSync.Storage.IO;
using QbSync.Storage.Pieces;
using QbSync.Storage.State;
using QbSync.Testing.Destinations;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;

namespace QbSync.IntegrationTests.Engines;

/// <summary>Both engines in one process, over real folders, without a network. Either can be stopped and begun again.</summary>
internal sealed class BothEngines : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private Running? _source;
    private Running? _destination;

    public BothEngines()
    {
        SourceData = _folder.CreateFolder("source", "data");
        SourceTorrents = _folder.CreateFolder("source", "torrents");
        DestinationData = _folder.CreateFolder("destination", "data");
    }

    public string SourceData { get; }

    public string SourceTorrents { get; }

    public string DestinationData { get; }

    public LogErrorGuard Log { get; } = new();

    /// <summary>What crossed; verified at the end of every test.</summary>
    public SendLedger Ledger { get; } = new();

    public CollectorRegistry SourceRegistry { get; private set; } = Prometheus.Metrics.NewCustomRegistry();

    public CollectorRegistry DestinationRegistry { get; private set; } = Prometheus.Metrics.NewCustomRegistry();

    public FolderTorrentClient SourceClient { get; private set; } = null!;

    public FolderTorrentClient DestinationClient { get; private set; } = null!;

    public DestinationEngine Destination { get; private set; } = null!;

    public SourceEngine Source { get; private set; } = null!;

    public EngineStatus Status => Source.Status;

    public TorrentProgress? Progress(BuiltTorrent torrent) => Status.Torrents.FirstOrDefault(shown => shown.Id == torrent.Id);

    public void AddComplete(BuiltTorrent torrent)
    {
        torrent.WriteContent(SourceData);
        torrent.WriteTorrent(SourceTorrents);
    }

    public void StartDestination()
    {
        var registry = DestinationRegistry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = Prometheus.Metrics.WithCustomRegistry(registry);
        var storage = new StorageOptions { DataRoot = DestinationData, StateDirectory = _folder["destination", "state"], MinFreeBytes = 0 };
        var store = new TorrentStore(storage, metrics, registry, Log, TimeProvider.System);
        DestinationClient = new FolderTorrentClient(
            new FolderClientOptions { TorrentsDirectory = _folder["destination", "torrents"], DataDirectory = DestinationData }, Log, TimeProvider.System);
        var options = new DestinationOptions { SavePath = DestinationData, DataRoot = DestinationData, MinFreeBytes = 0 };
        Destination = new DestinationEngine(options, store, DestinationClient, metrics, registry, Log, TimeProvider.System, new Random(2));
        _destination = new Running(Destination.RunAsync, Destination);
    }

    public void StartSource()
    {
        SourceRegistry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = Prometheus.Metrics.WithCustomRegistry(SourceRegistry);
        var storage = new StorageOptions { DataRoot = SourceData, StateDirectory = _folder["source", "state"] };
        SourceClient = new FolderTorrentClient(
            new FolderClientOptions { TorrentsDirectory = SourceTorrents, DataDirectory = SourceData }, Log, TimeProvider.System);
        var reader = new PieceReader(storage, metrics, SourceRegistry, Log, TimeProvider.System);
        var records = new DurableRecords(_folder.CreateFolder("source", "state"), Log);
        Source = new SourceEngine(
            new SourceOptions { Data = SourceData, PollInterval = TimeSpan.FromMilliseconds(100), MinSpace = 0 },
            SourceClient,
            Ledger.Watch(Destination),
            reader,
            new LocalFiles(),
            records,
            metrics,
            SourceRegistry,
            Log,
            TimeProvider.System,
            new Random(1));
        _source = new Running(Source.RunAsync, Source, records, reader);
    }

    public async Task StopSourceAsync()
    {
        await _source!.DisposeAsync();
        _source = null;
    }

    public Task SyncedAsync(params BuiltTorrent[] torrents) =>
        Eventually.BecomesTrueAsync(
            () =>
            {
                _source!.ThrowIfFaulted();
                return torrents.All(torrent => Progress(torrent)?.State == "Synced");
            },
            TimeSpan.FromMinutes(2));

    public Task<string> ScrapeSourceAsync() => ScrapeAsync(SourceRegistry);

    private static async Task<string> ScrapeAsync(CollectorRegistry registry)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(registry, text);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        if (_source is not null)
        {
            await _source.DisposeAsync();
        }

        if (_destination is not null)
        {
            await _destination.DisposeAsync();
        }

        MetricLaws.Verify(await ScrapeSourceAsync(), await ScrapeAsync(DestinationRegistry));
        _folder.Dispose();
        Ledger.Verify();
        Log.Verify();
    }

    private sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _task;
        private readonly object[] _owned;

        public Running(Func<CancellationToken, Task> run, params object[] owned)
        {
            _owned = owned;
            _task = Task.Run(() => run(_stop.Token));
        }

        public void ThrowIfFaulted()
        {
            if (_task.IsFaulted)
            {
                _task.GetAwaiter().GetResult();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _task.DefaultTimeout();
            foreach (var owned in _owned)
            {
                switch (owned)
                {
                    case IAsyncDisposable disposable:
                        await disposable.DisposeAsync();
                        break;
                    case IDisposable disposable:
                        disposable.Dispose();
                        break;
                }
            }

            _stop.Dispose();
        }
    }
}
