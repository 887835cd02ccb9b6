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
    public DataConnection Create(int slot) => new(PeerChannels.Create(options, cancellationToken => ConnectAsync(slot, cancellationToken)));

    private async ValueTask<Stream> ConnectAsync(int slot, CancellationToken cancellationToken)
    {
        var connection = await connector.ConnectAsync(ConnectionKind.Data, slot, cancellationToken).ConfigureAwait(false);
        Interlocked.Increment(ref _open);
        return new CountedStream(connection.Stream, () => Interlocked.Decrement(ref _open));
    }
}

/// <summary>A connection for piece streams.</summary>
internal sealed class DataConnection(GrpcChannel channel) : IDisposable
{
    /// <summary>Makes the calls of this connection.</summary>
    public CallInvoker Invoker { get; } = channel.CreateCallInvoker();

    public void Dispose() => channel.Dispose();
}
