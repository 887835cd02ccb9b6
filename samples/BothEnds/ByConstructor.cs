using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using QbSync.Engine;
using QbSync.Engine.Destination;
using QbSync.Storage;
using QbSync.Storage.FolderClient;
using QbSync.Storage.IO;
using QbSync.Storage.Pieces;
using QbSync.Storage.State;

namespace BothEnds;

/// <summary>Both ends by their constructors.</summary>
internal static class ByConstructor
{
    public static async Task<int> SyncAsync(Machine from, Machine to, CancellationToken cancellationToken)
    {
        var (time, loggers, chance) = (TimeProvider.System, NullLoggerFactory.Instance, new Random());

        var registry = Metrics.NewCustomRegistry();
        var metrics = Metrics.WithCustomRegistry(registry);
        await using var store = new TorrentStore(
            new StorageOptions { DataRoot = to.Data, StateDirectory = to.State, MinFreeBytes = 0 }, metrics, registry, loggers, time);
        await using var receiver = new FolderTorrentClient(new FolderClientOptions { TorrentsDirectory = to.Torrents, DataDirectory = to.Data }, loggers, time);
        await using var destination = new DestinationEngine(
            new DestinationOptions { DataRoot = to.Data, SavePath = to.Data, MinFreeBytes = 0 }, store, receiver, metrics, registry, loggers, time, chance);

        var sourceRegistry = Metrics.NewCustomRegistry();
        var sourceMetrics = Metrics.WithCustomRegistry(sourceRegistry);
        var storage = new StorageOptions { DataRoot = from.Data, StateDirectory = from.State };
        using var reader = new PieceReader(storage, sourceMetrics, sourceRegistry, loggers, time);
        await using var records = new DurableRecords(from.State, loggers, sourceMetrics);
        await using var sender = new FolderTorrentClient(new FolderClientOptions { TorrentsDirectory = from.Torrents, DataDirectory = from.Data }, loggers, time);
        await using var source = new SourceEngine(
            new SourceOptions { Data = from.Data, MinSpace = 0 },
            sender,
            destination,
            reader,
            new LocalFiles(),
            records,
            sourceMetrics,
            sourceRegistry,
            loggers,
            time,
            chance);
        return await Sync.RunAsync(source, destination, Directory.GetFiles(from.Torrents, "*.torrent").Length, cancellationToken);
    }
}
