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
    private int _hasCut;

    public TcpRelay(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>
    /// Resets the first connection that has carried so much towards the server, once: in the middle of what it carries, however late the test looks.
    /// </summary>
    public long CutAfter { get; init; } = long.MaxValue;

    /// <summary>Whether <see cref="CutAfter"/> has come true.</summary>
    public bool HasCut => Volatile.Read(ref _hasCut) != 0;

    /// <summary>Resets all connections that there are.</summary>
    public void CutAll()
    {
        lock (_gate)
        {
            _pairs.ForEach(static pair => pair.Cut());
        }
    }

    /// <summary>Connections that were made through it, ever.</summary>
    public int Connections
    {
        get
        {
            lock (_gate)
            {
                return _pairs.Count;
            }
        }
    }

    /// <summary>Resets these connections, by the order in which they were made.</summary>
    public void Cut(params int[] numbers)
    {
        lock (_gate)
        {
            Array.ForEach(numbers, number => _pairs[number].Cut());
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
                    _pairs.Add(new Pair(client, server, IsToBeCut));
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // The test ends.
        }
    }

    private bool IsToBeCut(long sent) => sent > CutAfter && Interlocked.Exchange(ref _hasCut, 1) == 0;

    private sealed class Pair
    {
        private readonly Func<long, bool> _isToBeCut;
        private readonly Socket _client;
        private readonly Socket _server;
        private long _sent;

        public Pair(Socket client, Socket server, Func<long, bool> isToBeCut)
        {
            (_client, _server, _isToBeCut) = (client, server, isToBeCut);
            Running = Task.WhenAll(PassAsync(client, server, isUp: true), PassAsync(server, client, isUp: false));
        }

        public Task Running { get; }

        public void Cut()
        {
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
                    if (isUp && _isToBeCut(_sent += read))
                    {
                        break;
                    }
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
