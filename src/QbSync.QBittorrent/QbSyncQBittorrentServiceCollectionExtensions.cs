using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Prometheus;
using QbSync.Ports;
using QbSync.QBittorrent;
using QbSync.Shared;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds a qBittorrent to a container. What is there already stays; each service is the container's to dispose.</summary>
public static class QbSyncQBittorrentServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="IQBittorrentClient"/>, one method per endpoint, and <see cref="ITorrentClient"/>, torrents as QbSync's engines see them. Each has a session of
    /// its own, made when it is first asked for. The container's <see cref="IDurableRecords"/>, if it has them, keep refused logins over restarts.
    /// </summary>
    /// <param name="services">The container's parts.</param>
    /// <param name="configure">Sets the options; what is wrong with them is named, all at once, when they are first used.</param>
    /// <param name="mode">The role that metrics are labelled with: source or destination.</param>
    /// <returns>A builder of the options.</returns>
    public static OptionsBuilder<QBittorrentOptions> AddQbSyncQBittorrent(
        this IServiceCollection services, Action<QBittorrentOptions>? configure = null, string mode = "source")
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(mode);
        services.AddClockAndMetrics();
        services.TryAddSingleton<IQBittorrentClient>(provider => new QBittorrentClient(
            provider.Options<QBittorrentOptions>(),
            handler: null,
            provider.GetRequiredService<IMetricFactory>(),
            provider.GetRequiredService<CollectorRegistry>(),
            mode,
            provider.Loggers(),
            provider.GetRequiredService<TimeProvider>(),
            provider.Chance(),
            provider.GetService<IDurableRecords>()));
        services.TryAddSingleton<ITorrentClient>(provider => new QBittorrentTorrentClient(
            provider.Options<QBittorrentOptions>(),
            provider.GetRequiredService<IMetricFactory>(),
            provider.GetRequiredService<CollectorRegistry>(),
            mode,
            provider.Loggers(),
            provider.GetRequiredService<TimeProvider>(),
            provider.Chance(),
            provider.GetService<IDurableRecords>()));
        return services.AddChecked(configure, static options => options.Validate());
    }
}
