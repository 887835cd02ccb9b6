using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Prometheus;
using QbSync.Ports;
using QbSync.Shared;
using QbSync.Storage;
using QbSync.Storage.FolderClient;
using QbSync.Storage.IO;
using QbSync.Storage.Pieces;
using QbSync.Storage.State;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds storage to a container. What is there already stays; each service is made when it is first asked for, and is the container's to dispose.</summary>
public static class QbSyncStorageServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="ITorrentStore"/> for a destination, <see cref="IPieceReader"/> and <see cref="ILocalFiles"/> for a source, and <see cref="IDurableRecords"/>,
    /// which are in the folder <c>records</c> of <see cref="StorageOptions.StateDirectory"/>.
    /// </summary>
    /// <param name="services">The container's parts.</param>
    /// <param name="configure">Sets the options; what is wrong with them is named, all at once, when they are first used.</param>
    /// <returns>A builder of the options.</returns>
    public static OptionsBuilder<StorageOptions> AddQbSyncStorage(this IServiceCollection services, Action<StorageOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddClockAndMetrics();
        services.TryAddSingleton<ITorrentStore>(static provider => new TorrentStore(
            provider.Options<StorageOptions>(),
            provider.GetRequiredService<IMetricFactory>(),
            provider.GetRequiredService<CollectorRegistry>(),
            provider.Loggers(),
            provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<IPieceReader>(static provider => new PieceReader(
            provider.Options<StorageOptions>(),
            provider.GetRequiredService<IMetricFactory>(),
            provider.GetRequiredService<CollectorRegistry>(),
            provider.Loggers(),
            provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<ILocalFiles, LocalFiles>();
        services.TryAddSingleton<IDurableRecords>(static provider => new DurableRecords(
            Path.Join(provider.Options<StorageOptions>().StateDirectory, "records"), provider.Loggers(), provider.GetRequiredService<IMetricFactory>()));
        return services.AddChecked(configure, static options => options.Validate());
    }

    /// <summary>Adds a torrent client over a folder of <c>.torrent</c> files as the container's <see cref="ITorrentClient"/>.</summary>
    /// <param name="services">The container's parts.</param>
    /// <param name="configure">Sets the options; what is wrong with them is named, all at once, when they are first used.</param>
    /// <returns>A builder of the options.</returns>
    public static OptionsBuilder<FolderClientOptions> AddQbSyncFolderClient(this IServiceCollection services, Action<FolderClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddClockAndMetrics();
        services.TryAddSingleton<ITorrentClient>(static provider => new FolderTorrentClient(
            provider.Options<FolderClientOptions>(), provider.Loggers(), provider.GetRequiredService<TimeProvider>()));
        return services.AddChecked(configure, static options => options.Validate());
    }
}
