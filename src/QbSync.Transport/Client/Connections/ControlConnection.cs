using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client.Connections;

/// <summary>
/// The connection of every verb but piece streams. It dials with its first call, and anew when it was lost. One that is there and does not answer a Hello
/// is given up, since it may be dead without knowing. Thread-safe.
/// </summary>
internal sealed partial class ControlConnection(TransportClientOptions options, IPeerConnector connector, ILogger<ControlConnection> logger, TimeProvider time)
    : IDisposable
{
    // Unsent bytes that the kernel may hold (TCP_NOTSENT_LOWAT): what is written counts as taken only when it is about to leave, and no call queues
    // behind more of an upload than this.
    private const int MostUnsent = 64 << 10;
    private const int TcpLevel = 6;
    private const int NotSentLowWater = 25;

    private readonly TransportClientOptions _options = options;
    private readonly IPeerConnector _connector = connector;
    private readonly TimeProvider _time = time;
    private readonly Lock _gate = new();
    private Attempt? _current;
    private bool _isDisposed;

    /// <summary>Makes the calls. Not to be kept: another connection has another one.</summary>
    /// <exception cref="ObjectDisposedException">It was closed.</exception>
    public CallInvoker Invoker
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_isDisposed, this);
                return (_current ??= new Attempt(this)).Invoker;
            }
        }
    }

    /// <summary>Raised with the time that a small call took. Must not block.</summary>
    public event Action<TimeSpan>? CallTimed;

    /// <summary>A small call was answered just now. One that had to wait for the dial tells nothing of the way.</summary>
    /// <param name="began">Timestamp of its begin.</param>
    public void OnAnswered(long began)
    {
        lock (_gate)
        {
            if (_current?.ConnectedAt is not { } connected || connected > began)
            {
                return;
            }
        }

        CallTimed?.Invoke(_time.GetElapsedTime(began));
    }

    /// <summary>A Hello was not answered in time.</summary>
    /// <param name="asked">Who made it.</param>
    /// <param name="began">Timestamp of its begin. A connection that was made later than that is not to blame.</param>
    public void Suspect(CallInvoker asked, long began)
    {
        Attempt dead;
        lock (_gate)
        {
            if (_current is not { } current || current.Invoker != asked || current.ConnectedAt is not { } connected || connected > began)
            {
                return;
            }

            (dead, _current) = (current, null);
        }

        Log.ControlReplaced(logger, _options.Address);
        dead.Dispose();
    }

    public void Dispose()
    {
        Attempt? last;
        lock (_gate)
        {
            (last, _current, _isDisposed) = (_current, null, true);
        }

        last?.Dispose();
    }

    private static void LimitUnsent(Socket? socket)
    {
        if (socket is null || !OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            socket.SetRawSocketOption(TcpLevel, NotSentLowWater, BitConverter.GetBytes(MostUnsent));
        }
        catch (SocketException)
        {
            // Not a TCP socket, or a sandbox: uploads then need a faster link.
        }
    }

    private sealed class Attempt : IDisposable
    {
        private readonly ControlConnection _owner;
        private readonly GrpcChannel _channel;
        private long _connectedAt;

        public Attempt(ControlConnection owner)
        {
            _owner = owner;
            _channel = PeerChannels.Create(owner._options, ConnectAsync);
            Invoker = _channel.CreateCallInvoker();
        }

        public CallInvoker Invoker { get; }

        public long? ConnectedAt => Interlocked.Read(ref _connectedAt) is not 0 and var at ? at : null;

        public void Dispose() => _channel.Dispose();

        private async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
        {
            var connection = await _owner._connector.ConnectAsync(ConnectionKind.Control, 0, cancellationToken).ConfigureAwait(false);
            LimitUnsent(connection.Socket);
            Interlocked.Exchange(ref _connectedAt, _owner._time.GetTimestamp());
            return connection.Stream;
        }
    }
}
