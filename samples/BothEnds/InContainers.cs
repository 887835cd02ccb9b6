using Microsoft.Extensions.DependencyInjection;
using QbSync.Engine;
using QbSync.Engine.Destination;
using QbSync.Ports;

namespace BothEnds;

/// <summary>Both ends from containers: one for each, since each has a client, a state and metrics of its own.</summary>
internal static class InContainers
{
    public static async Task<int> SyncAsync(Machine from, Machine to, CancellationToken cancellationToken)
    {
        var destination = new ServiceCollection();
        destination.AddQbSyncStorage(options => (options.DataRoot, options.StateDirectory, options.MinFreeBytes) = (to.Data, to.State, 0));
        destination.AddQbSyncFolderClient(options => (options.TorrentsDirectory, options.DataDirectory) = (to.Torrents, to.Data));
        destination.AddQbSyncDestination(options => (options.DataRoot, options.SavePath, options.MinFreeBytes) = (to.Data, to.Data, 0));
        await using var destinationServices = destination.BuildServiceProvider();

        var source = new ServiceCollection();
        source.AddQbSyncStorage(options => (options.DataRoot, options.StateDirectory) = (from.Data, from.State));
        source.AddQbSyncFolderClient(options => (options.TorrentsDirectory, options.DataDirectory) = (from.Torrents, from.Data));
        source.AddQbSyncSource(options => (options.Data, options.MinSpace) = (from.Data, 0));
        source.AddSingleton<IDestination>(destinationServices.GetRequiredService<DestinationEngine>());
        await using var sourceServices = source.BuildServiceProvider();

        return await Sync.RunAsync(
            sourceServices.GetRequiredService<SourceEngine>(),
            destinationServices.GetRequiredService<DestinationEngine>(),
            Directory.GetFiles(from.Torrents, "*.torrent").Length,
            cancellationToken);
    }
}
