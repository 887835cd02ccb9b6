using Grpc.Core;
using Grpc.Net.Client;

namespace QbSync.Transport.Client.Connections;

/// <summary>The data connections of a link: one HTTP/2 connection each, so that no call queues behind another's pieces. Thread-safe.</summary>
internal sealed class ConnectionSet(TransportClientOptions options, IPeerConnector connector)
{
    private int _open;

    /// <summary>Sockets that are open now.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>A connection that dials with its first call. Whoever gets it disposes it.</summary>
    public DataConnection Create() => new(PeerChannels.Create(options, ConnectAsync));

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var stream = await connector.ConnectAsync(cancellationToken).ConfigureAwait(false);
        Interlocked.Increment(ref _open);
        return new CountedStream(stream, () => Interlocked.Decrement(ref _open));
    }
}

/// <summary>A connection for piece streams.</summary>
internal sealed class DataConnection(GrpcChannel channel) : IDisposable
{
    /// <summary>Makes the calls of this connection.</summary>
    public CallInvoker Invoker { get; } = channel.CreateCallInvoker();

    public void Dispose() => channel.Dispose();
}
