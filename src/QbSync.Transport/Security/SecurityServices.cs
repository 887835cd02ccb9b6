using Grpc.AspNetCore.Server.Model;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

/// <summary>What a listener decides with, as parts of its container.</summary>
internal static class SecurityServices
{
    /// <param name="refused">Counts a refusal, of the container's own metrics.</param>
    public static void Add(IServiceCollection services, TransportServerOptions options, Func<IServiceProvider, Action> refused)
    {
        services.TryAddSingleton(provider => new ListenerTrust(
            PeerTrust.Create(options.Security, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>())));
        services.TryAddSingleton<PreAuthenticationLimits>();
        services.TryAddSingleton(provider => new PeerListener(
            provider.GetRequiredService<ListenerTrust>(),
            provider.GetRequiredService<PreAuthenticationLimits>(),
            options,
            refused(provider),
            provider.GetRequiredService<ILogger<PeerListener>>(),
            provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(provider => new PeerGuard(
            provider.GetRequiredService<ListenerTrust>().Trust, refused(provider), provider.GetRequiredService<ILogger<PeerGuard>>()));
        services.TryAddSingleton(provider => new PairingService(
            provider.GetRequiredService<ListenerTrust>().Trust,
            refused(provider),
            provider.GetRequiredService<ILogger<PairingService>>(),
            provider.GetRequiredService<TimeProvider>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<PairingService>, PairingService.MethodProvider>());
    }
}

/// <summary>Whom a listener trusts, and who is connected to it. Owned by its container.</summary>
internal sealed class ListenerTrust(PeerTrust? trust) : IDisposable
{
    /// <summary>Null where nobody is asked.</summary>
    public PeerTrust? Trust => trust;

    public PeerConnections Connections { get; } = new(trust);

    public void Dispose()
    {
        Connections.Dispose();
        trust?.Dispose();
    }
}
