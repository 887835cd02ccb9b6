using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Bytes that may pass in a second, for one connection or for several together.</summary>
internal sealed class Pace(long bytesPerSecond)
{
    private readonly Lock _gate = new();
    private long _nextAt = TimeProvider.System.GetTimestamp();

    /// <summary>When so many bytes may have passed.</summary>
    public long Take(int bytes)
    {
        lock (_gate)
        {
            _nextAt = Math.Max(_nextAt, TimeProvider.System.GetTimestamp()) + (bytes * TimeProvider.System.TimestampFrequency / bytesPerSecond);
            return _nextAt;
        }
    }
}

/// <summary>Passes bytes on between a client and a server like a longer way would: late, slowly, or, when frozen, not at all.</summary>
internal sealed class SlowRelay : IAsyncDisposable
{
    private const int PartBytes = 32 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _passing = [];
    private readonly Lock _gate = new();
    private readonly int _target;
    private readonly Task _accepting;
    private int _connections;

    public SlowRelay(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Time from one end to the other.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>What a new connection may carry towards the server.</summary>
    public Func<Pace?> PaceOf { get; init; } = static () => null;

    /// <summary>Nothing passes any more, and no end of a connection either.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>Connections that were made through it, ever.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        Task[] passing;
        lock (_gate)
        {
            passing = [.. _passing];
        }

        await Task.WhenAll(passing);
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
                Interlocked.Increment(ref _connections);
                await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                lock (_gate)
                {
                    _passing.Add(PassBothAsync(client, server));
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // The test ends.
        }
    }

    private async Task PassBothAsync(Socket client, Socket server)
    {
        using (client)
        using (server)
        {
            await Task.WhenAny(PassAsync(client, server, PaceOf()), PassAsync(server, client, null));
        }
    }

    private async Task PassAsync(Socket from, Socket to, Pace? pace)
    {
        var parts = Channel.CreateBounded<(byte[] Part, long At)>(512); // 512 parts: 16 MiB on the way
        var sending = SendAsync(parts.Reader, to);
        try
        {
            while (true)
            {
                var part = new byte[PartBytes];
                var read = await from.ReceiveAsync(part, _stop.Token);
                await ThawAsync();
                if (read == 0)
                {
                    break;
                }

                var at = pace?.Take(read) ?? TimeProvider.System.GetTimestamp();
                await WaitAsync(at);
                await parts.Writer.WriteAsync((part[..read], at + (long)(Delay.TotalSeconds * TimeProvider.System.TimestampFrequency)), _stop.Token);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException or ChannelClosedException)
        {
            // Cut, from one side or by the test.
        }

        parts.Writer.TryComplete();
        await sending;
    }

    private async Task SendAsync(ChannelReader<(byte[] Part, long At)> parts, Socket to)
    {
        try
        {
            await foreach (var (part, at) in parts.ReadAllAsync(_stop.Token))
            {
                await WaitAsync(at);
                await ThawAsync();
                await to.SendAsync(part, _stop.Token);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Cut, from one side or by the test.
        }
    }

    private async Task WaitAsync(long at)
    {
        while (TimeProvider.System.GetTimestamp() is var now && now < at)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Math.Max(1, 1000.0 * (at - now) / TimeProvider.System.TimestampFrequency)));
            await timer.WaitForNextTickAsync(_stop.Token);
        }
    }

    private async Task ThawAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (IsFrozen)
        {
            await timer.WaitForNextTickAsync(_stop.Token);
        }
    }
}
