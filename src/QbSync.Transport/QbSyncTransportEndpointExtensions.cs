using System.Net;
using Microsoft.AspNetCore.Connections;
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
        endpoints.MapGrpcService<SyncService>().Add(gate.Guard);
        endpoints.MapGrpcService<HealthService>();
        return endpoints;
    }

    /// <summary>
    /// Listens for sources at <paramref name="endPoint"/>: HTTP/2 without TLS, so for loopback or a private network only. Port 0 takes a free one. The
    /// limits are those of the whole server.
    /// </summary>
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
        if (options.Security.Mode != SecurityMode.Insecure)
        {
            throw new NotSupportedException("This build listens insecurely only.");
        }

        kestrel.Listen(endPoint, static listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(static (connection, next) =>
            {
                connection.Features.Set<IPeerFeature>(KnownPeer.Local);
                return next();
            });
        });
        return kestrel;
    }
}
