using System.Net;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using QbSync.Transport;
using QbSync.Transport.Security;
using QbSync.Transport.Server;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps and listens for the server side of the transport.</summary>
public static class QbSyncTransportEndpointExtensions
{
    private const int FrameBytes = 1 << 20;
    private const int StreamsPerConnection = 64;
    private static readonly TimeSpan KeepAliveDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Maps the verbs, the piece streams and gRPC health.</summary>
    public static IEndpointRouteBuilder MapQbSync(this IEndpointRouteBuilder endpoints)
    {
        // Made now, so that its metrics are there before the first scrape.
        endpoints.ServiceProvider.GetRequiredService<PieceStreams>();
        var gate = endpoints.ServiceProvider.GetRequiredService<CallGate>();
        var trust = endpoints.ServiceProvider.GetRequiredService<ListenerTrust>();
        endpoints.ServiceProvider.GetRequiredService<PieceStreams>().Metrics.ShowCertificates(() => trust.Connections.EarliestExpiry);

        // The last one added stands outermost: nothing is counted for a peer before it is known.
        var guard = endpoints.ServiceProvider.GetRequiredService<PeerGuard>();
        var verbs = endpoints.MapGrpcService<SyncService>();
        verbs.Add(gate.Guard);
        verbs.Add(guard.Protect);
        endpoints.MapGrpcService<HealthService>().Add(guard.Protect);
        endpoints.MapGrpcService<PairingService>().Add(PeerGuard.ProtectPairing);
        return endpoints;
    }

    /// <summary>
    /// Listens for sources at <paramref name="endPoint"/>, with the security of the server's options. Port 0 takes a free one. The limits are those of the whole
    /// server.
    /// </summary>
    /// <exception cref="ArgumentException">The address is not the loopback's, and nothing protects it.</exception>
    /// <exception cref="QbSync.TrustException">A file that the security options name cannot be used.</exception>
    public static KestrelServerOptions ListenQbSync(this KestrelServerOptions kestrel, IPEndPoint endPoint)
    {
        var options = kestrel.ApplicationServices.GetRequiredService<TransportServerOptions>();
        var http2 = kestrel.Limits.Http2;
        http2.InitialStreamWindowSize = options.StreamWindow;
        http2.InitialConnectionWindowSize = options.ConnectionWindow;
        http2.MaxFrameSize = FrameBytes;
        http2.MaxStreamsPerConnection = StreamsPerConnection;
        http2.KeepAlivePingDelay = KeepAliveDelay;
        http2.KeepAlivePingTimeout = KeepAliveTimeout;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.AddServerHeader = false;
        if (options.Security is { Mode: SecurityMode.Insecure, AllowInsecure: false } && !IPAddress.IsLoopback(endPoint.Address))
        {
            throw new ArgumentException($"security: insecure is for loopback only, and {endPoint.Address} is not; only insecure=true allows it", nameof(endPoint));
        }

        var listener = kestrel.ApplicationServices.GetRequiredService<PeerListener>();
        kestrel.Listen(endPoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(next => connection => listener.RunAsync(connection, next));
        });
        return kestrel;
    }
}
