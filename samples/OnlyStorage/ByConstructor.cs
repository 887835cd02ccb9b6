using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using QbSync.Storage;
using QbSync.Storage.Pieces;

namespace OnlyStorage;

/// <summary>Store and reader by their constructors.</summary>
internal static class ByConstructor
{
    public static async Task<int> CopyAsync(CopyJob job)
    {
        var options = new StorageOptions { DataRoot = job.Data, StateDirectory = job.State, MinFreeBytes = 0 };
        var registry = Metrics.NewCustomRegistry();
        var metrics = Metrics.WithCustomRegistry(registry);
        await using var store = new TorrentStore(options, metrics, registry, NullLoggerFactory.Instance, TimeProvider.System);
        using var reader = new PieceReader(options, metrics, registry, NullLoggerFactory.Instance, TimeProvider.System);
        return await job.RunAsync(store, reader);
    }
}
