using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;

namespace QbSync.Transport.Client.Connections;

/// <summary>
/// A connection for piece streams in one slot, for as long as the slot is wanted: it dials with its first call, and again with the next one after it was cut,
/// so that its streams always share one. Its <see cref="Seats"/> and figures belong to the owner's loop; the rest is thread-safe.
/// </summary>
internal sealed class DataConnection : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly IPeerConnector _connector;
    private readonly SocketOptions _sockets;
    private readonly Action<DataConnection> _onGoAway;
    private Socket? _socket;
    private int _open;

    /// <summary>Makes it; nothing is dialed yet.</summary>
    /// <param name="onGoAway">Told from a socket's thread that the peer wants to end the connection.</param>
    public DataConnection(
        int slot, TransportClientOptions options, IPeerConnector connector, SocketOptions sockets, Action<DataConnection> onGoAway)
    {
        Slot = slot;
        _connector = connector;
        _sockets = sockets;
        _onGoAway = onGoAway;
        _channel = PeerChannels.Create(options, ConnectAsync);
        Invoker = _channel.CreateCallInvoker();
    }

    /// <summary>The value of the label <c>connection</c>, for life.</summary>
    public int Slot { get; }

    /// <summary>Makes the calls of this connection.</summary>
    public CallInvoker Invoker { get; }

    /// <summary>Its streams.</summary>
    public List<StreamSeat> Seats { get; } = [];

    /// <summary>The socket dialed last; null before the first one, and where there is none.</summary>
    public Socket? Socket => Volatile.Read(ref _socket);

    /// <summary>Sockets that are open now: one, or for a moment two while one ends.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>What was measured of the socket.</summary>
    public ConnectionFigures Figures { get; } = new();

    public void Dispose() => _channel.Dispose();

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = await _connector.ConnectAsync(ConnectionKind.Data, Slot, cancellationToken).ConfigureAwait(false);
        if (connection.Socket is { } socket)
        {
            _sockets.Apply(socket);
        }

        Volatile.Write(ref _socket, connection.Socket);
        Interlocked.Increment(ref _open);
        return new WatchedStream(connection.Stream, () => _onGoAway(this), () => Interlocked.Decrement(ref _open));
    }
}
