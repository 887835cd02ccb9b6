using System.Security.Cryptography;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using QbSync.Transport;
using QbSync.Transport.Security;
using QbSync.Transport.Server;
using QbSync.Transport.Wire;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the server side of the transport.</summary>
public static class QbSyncTransportServiceCollectionExtensions
{
    /// <summary>
    /// Serves the registered <see cref="QbSync.Ports.IDestination"/> and <see cref="QbSync.Ports.IPieceIntake"/> over gRPC. An IMetricFactory, a
    /// CollectorRegistry, a TimeProvider and logging are expected beside them. Endpoints are mapped by <c>MapQbSync</c>, the listener is made by
    /// <c>ListenQbSync</c>.
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
        services.TryAddSingleton(TimeProvider.System);
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
