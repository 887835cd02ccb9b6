using System.Security.Cryptography;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Prometheus;
using QbSync.Ports;
using QbSync.Shared;
using QbSync.Transport;
using QbSync.Transport.Security;
using QbSync.Transport.Server;
using QbSync.Transport.Wire;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds either side of the transport to a container. What is there already stays.</summary>
public static class QbSyncTransportServiceCollectionExtensions
{
    /// <summary>Adds the destination at the other end of a network as the container's <see cref="IDestination"/>.</summary>
    /// <param name="services">The container's parts.</param>
    /// <param name="configure">Sets the options; what is wrong with them is named, all at once, when they are first used.</param>
    /// <returns>A builder of the options.</returns>
    public static OptionsBuilder<TransportClientOptions> AddQbSyncRemoteDestination(
        this IServiceCollection services, Action<TransportClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddClockAndMetrics();
        services.TryAddSingleton<IDestination>(static provider => new RemoteDestination(
            provider.Options<TransportClientOptions>(),
            provider.GetRequiredService<IMetricFactory>(),
            provider.GetRequiredService<CollectorRegistry>(),
            provider.Loggers(),
            provider.GetRequiredService<TimeProvider>(),
            provider.Chance()));
        return services.AddChecked(configure, static options => options.Validate());
    }

    /// <summary>
    /// Serves the registered <see cref="QbSync.Ports.IDestination"/> and <see cref="QbSync.Ports.IPieceIntake"/> over gRPC. A clock and metrics of
    /// the container are taken, if it has them; logging is expected. Endpoints are mapped by <c>MapQbSync</c>, the listener is made by <c>ListenQbSync</c>.
    /// </summary>
    /// <exception cref="OptionsValidationException">Names everything that is wrong with the options.</exception>
    public static IServiceCollection AddQbSyncServer(this IServiceCollection services, Action<TransportServerOptions>? configure = null)
    {
        var options = new TransportServerOptions();
        configure?.Invoke(options);
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new OptionsValidationException(nameof(TransportServerOptions), typeof(TransportServerOptions), errors);
        }

        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = SyncLimits.MaxMessageReceived;
            grpc.MaxSendMessageSize = SyncLimits.MaxMessageSent;
        }).AddServiceOptions<SyncService>(grpc => grpc.Interceptors.Add<VerbInterceptor>())
            .AddServiceOptions<PairingService>(static grpc => grpc.MaxReceiveMessageSize = PairingMethods.MaxMessage);
        services.TryAddSingleton(options);
        services.AddClockAndMetrics();
        services.TryAddSingleton(provider => new ChunkBufferPool(options.ReceiveBudget, provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(provider => new SessionTable(
            provider.GetRequiredService<TimeProvider>(), static () => RandomNumberGenerator.GetBytes(SyncLimits.SessionBytes)));
        services.TryAddSingleton(WireVersions.Current);
        services.TryAddSingleton(static provider => LocalNode.Of(provider.GetRequiredService<ListenerTrust>().Trust));
        services.TryAddSingleton<PeerLimits>();
        services.TryAddSingleton<CallGate>();
        services.TryAddSingleton<WriteWorkers>();
        services.TryAddSingleton<PieceStreams>();
        services.TryAddSingleton<SyncService>();
        services.TryAddSingleton<VerbInterceptor>();
        services.TryAddSingleton<HealthService>();
        SecurityServices.Add(services, options, static provider => provider.GetRequiredService<PieceStreams>().Metrics.PeerRefused);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<SyncService>, SyncMethodProvider>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<HealthService>, HealthService.MethodProvider>());

        // Not TryAdd: Kestrel's own factory may be there already.
        services.AddSingleton<IMemoryPoolFactory<byte>, BlockPoolFactory>();
        return services;
    }
}
