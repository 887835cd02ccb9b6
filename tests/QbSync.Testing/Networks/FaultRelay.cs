using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace QbSync.Testing.Networks;

/// <summary>A way between a source and a destination on which a test cuts, delays and spoils what goes by.</summary>
internal sealed class FaultRelay : IAsyncDisposable
{
    private const int Large = 16 * 1024;

    /// <summary>More than all calls of a short test, and less than two pieces.</summary>
    private const int Pieces = 64 * 1024;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly ConcurrentBag<Task> _pumps = [];
    private readonly CancellationTokenSource _end = new();
    private Task _accepting = Task.CompletedTask;
    private int _toSpoil;
    private volatile int _delay;
    private volatile TaskCompletionSource _answers = new();

    public FaultRelay()
    {
        _listener.Start();
        _answers.SetResult();
    }

    public string Address => _listener.LocalEndpoint.ToString()!;

    /// <summary>Time by which each read is held up, in milliseconds.</summary>
    public int Delay
    {
        set => _delay = value;
    }

    /// <summary>Begins to lead there; who came earlier has waited.</summary>
    public void Start(Uri destination)
    {
        _accepting = AcceptAsync(destination);
    }

    /// <summary>Ends every connection.</summary>
    public void Cut()
    {
        foreach (var socket in _open.Keys)
        {
            socket.Close(0);
        }
    }

    /// <summary>Keeps back what the destination says on connections that have carried pieces; all else goes by.</summary>
    public void HoldAnswers() => _answers = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets by what was kept back.</summary>
    public void ReleaseAnswers() => _answers.TrySetResult();

    /// <summary>Flips a byte of the next large run of bytes to the destination: such are pieces.</summary>
    public void Spoil() => Interlocked.Exchange(ref _toSpoil, 1);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        ReleaseAnswers();
        _listener.Stop();
        Cut();
        await _accepting;
        await Task.WhenAll(_pumps);
        _end.Dispose();
    }

    private async Task AcceptAsync(Uri destination)
    {
        while (!_end.IsCancellationRequested)
        {
            Socket? near = null;
            try
            {
                near = await _listener.AcceptSocketAsync(_end.Token);
                var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                _open[near] = _open[far] = true;
                await far.ConnectAsync(IPAddress.Loopback, destination.Port, _end.Token);
                var way = new Way();
                _pumps.Add(PumpAsync(near, far, way, isToDestination: true));
                _pumps.Add(PumpAsync(far, near, way, isToDestination: false));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or InvalidOperationException)
            {
                near?.Close(0); // cut while it came to be, or the end
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Way way, bool isToDestination)
    {
        var buffer = new byte[4 * Large];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var length)
            {
                if (_delay > 0)
                {
                    await Task.Delay(_delay, _end.Token);
                }

                way.Carried += isToDestination ? length : 0;
                if (!isToDestination && way.Carried >= Pieces)
                {
                    await _answers.Task.WaitAsync(_end.Token);
                }

                if (isToDestination && length >= Large && Interlocked.Exchange(ref _toSpoil, 0) == 1)
                {
                    buffer[length / 2] ^= 0x55;
                }

                await to.SendAsync(buffer.AsMemory(0, length));
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Cut.
        }

        foreach (var socket in (Socket[])[from, to])
        {
            socket.Close(0);
            _open.TryRemove(socket, out _);
        }
    }

    /// <summary>A connection through the relay.</summary>
    private sealed class Way
    {
        private long _carried;

        /// <summary>Bytes to the destination so far; one pump counts.</summary>
        public long Carried
        {
            get => Volatile.Read(ref _carried);
            set => Volatile.Write(ref _carried, value);
        }
    }
}
