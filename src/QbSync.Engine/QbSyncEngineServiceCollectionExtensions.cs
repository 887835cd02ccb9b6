using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Prometheus;
using QbSync.Engine;
using QbSync.Engine.Destination;
using QbSync.Ports;
using QbSync.Shared;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>
/// Adds an engine to a container. What is there already stays. Whoever asks for the engine runs it, by its <c>RunAsync</c>, and the container disposes it.
/// </summary>
public static class QbSyncEngineServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="SourceEngine"/>. It needs <see cref="ITorrentClient"/>, <see cref="IDestination"/>, <see cref="IPieceReader"/>, <see cref="ILocalFiles"/> and
    /// <see cref="IDurableRecords"/> from other packages of the family, or your own.
    /// </summary>
    /// <param name="services">The container's parts.</param>
    /// <param name="configure">Sets the options; what is wrong with them is named, all at once, when they are first used.</param>
    /// <returns>A builder of the options.</returns>
    public static OptionsBuilder<SourceOptions> AddQbSyncSource(this IServiceCollection services, Action<SourceOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddClockAndMetrics();
        services.TryAddSingleton(static provider => new SourceEngine(
            provider.Options<SourceOptions>(),
            provider.GetRequiredService<ITorrentClient>(),
            provider.GetRequiredService<IDestination>(),
            provider.GetRequiredService<IPieceReader>(),
            provider.GetRequiredService<ILocalFiles>(),
            provider.GetRequiredService<IDurableRecords>(),
            provider.GetRequiredService<IMetricFactory>(),
            provider.GetRequiredService<CollectorRegistry>(),
            provider.Loggers(),
            provider.GetRequiredService<TimeProvider>(),
            provider.Chance()));
        return services.AddChecked(configure, static options => options.Validate());
    }

    /// <summary>
    /// Adds <see cref="DestinationEngine"/>, which is also the container's <see cref="IDestination"/> and <see cref="IPieceIntake"/>. It needs
    /// <see cref="ITorrentStore"/>; without an <see cref="ITorrentClient"/> files are kept under their final names and no torrent is ever complete.
    /// </summary>
    /// <param name="services">The container's parts.</param>
    /// <param name="configure">Sets the options; what is wrong with them is named, all at once, when they are first used.</param>
    /// <returns>A builder of the options.</returns>
    public static OptionsBuilder<DestinationOptions> AddQbSyncDestination(this IServiceCollection services, Action<DestinationOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddClockAndMetrics();
        services.TryAddSingleton(static provider => new DestinationEngine(
            provider.Options<DestinationOptions>(),
            provider.GetRequiredService<ITorrentStore>(),
            provider.GetService<ITorrentClient>(),
            provider.GetRequiredService<IMetricFactory>(),
            provider.GetRequiredService<CollectorRegistry>(),
            provider.Loggers(),
            provider.GetRequiredService<TimeProvider>(),
            provider.Chance()));
        services.TryAddSingleton<IDestination>(static provider => provider.GetRequiredService<DestinationEngine>());
        services.TryAddSingleton<IPieceIntake>(static provider => provider.GetRequiredService<DestinationEngine>());

        // Whether there is a client is the container's to know, so the engine checks that itself, when it is made.
        return services.AddChecked(configure, static options => options.Validate(withClient: false));
    }
}
