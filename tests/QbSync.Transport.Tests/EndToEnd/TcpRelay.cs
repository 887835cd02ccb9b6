using System.Net;
using System.Net.Sockets;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Passes bytes on between a client and a server, and cuts when told to.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Pair> _pairs = [];
    private readonly Lock _gate = new();
    private readonly int _target;
    private readonly Task _accepting;

    public TcpRelay(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Resets the connection that has carried most towards the server.</summary>
    public void CutBusiest()
    {
        lock (_gate)
        {
            _pairs.MaxBy(pair => pair.IsCut ? -1 : pair.Sent)!.Cut();
        }
    }

    /// <summary>Resets all connections that there are.</summary>
    public void CutAll()
    {
        lock (_gate)
        {
            _pairs.ForEach(static pair => pair.Cut());
        }
    }

    /// <summary>Bytes that the busiest connection has carried towards the server.</summary>
    public long MostSent
    {
        get
        {
            lock (_gate)
            {
                return _pairs.Where(pair => !pair.IsCut).Select(pair => pair.Sent).DefaultIfEmpty().Max();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        List<Pair> pairs;
        lock (_gate)
        {
            pairs = [.. _pairs];
        }

        foreach (var pair in pairs)
        {
            pair.Cut();
            await pair.Running;
        }

        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                client.NoDelay = true;
                await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                lock (_gate)
                {
                    _pairs.Add(new Pair(client, server));
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test ends.
        }
    }

    private sealed class Pair
    {
        private readonly Socket _client;
        private readonly Socket _server;
        private long _sent;

        public Pair(Socket client, Socket server)
        {
            (_client, _server) = (client, server);
            Running = Task.WhenAll(PassAsync(client, server, isUp: true), PassAsync(server, client, isUp: false));
        }

        public Task Running { get; }

        public bool IsCut { get; private set; }

        public long Sent => Interlocked.Read(ref _sent);

        public void Cut()
        {
            IsCut = true;
            _client.Close(0);
            _server.Close(0);
        }

        private async Task PassAsync(Socket from, Socket to, bool isUp)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                while (await from.ReceiveAsync(buffer) is > 0 and var read)
                {
                    await to.SendAsync(buffer.AsMemory(0, read));
                    Interlocked.Add(ref _sent, isUp ? read : 0);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Cut, from one side or by the test.
            }

            Cut();
        }
    }
}
