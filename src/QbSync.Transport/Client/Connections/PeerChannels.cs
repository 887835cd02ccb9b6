using Grpc.Net.Client;

namespace QbSync.Transport.Client.Connections;

/// <summary>What a connection to the peer is made of: HTTP/2 by prior knowledge over a byte stream that someone else makes.</summary>
internal static class PeerChannels
{
    private const int LargestReceived = 2 * 1024 * 1024;
    private const int LargestSent = (1024 + 64) * 1024;

    private static readonly TimeSpan KeepAliveAnswer = TimeSpan.FromSeconds(10);

    /// <summary>A channel of its own connection. The name in it is for logs; <paramref name="connect"/> decides where it goes.</summary>
    public static GrpcChannel Create(TransportClientOptions options, Func<CancellationToken, ValueTask<Stream>> connect)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellationToken) => connect(cancellationToken),
            ConnectTimeout = options.ConnectTimeout,
            EnableMultipleHttp2Connections = false,
            KeepAlivePingDelay = options.KeepAlive,
            KeepAlivePingTimeout = KeepAliveAnswer,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
        };
        return GrpcChannel.ForAddress($"http://{options.Address}", new GrpcChannelOptions
        {
            HttpHandler = TokenHandler.Wrap(options.Security, handler),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = LargestReceived,
            MaxSendMessageSize = LargestSent,
            MaxRetryAttempts = null,
        });
    }
}
