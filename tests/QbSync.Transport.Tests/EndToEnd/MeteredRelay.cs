using System.Net;
using System.Net.Sockets;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Passes bytes on between a client and a server; towards the server as slowly as told, each connection as fast as the others.</summary>
internal sealed class MeteredRelay : IAsyncDisposable
{
    // Little is kept here: what does not pass fills the client's socket.
    private const int Kept = 16 * 1024;
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(250);

    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = Kept };
    private readonly CancellationTokenSource _stop = new();
    private readonly int _target;
    private readonly Task _accepting;
    private int _bytesPerTurn = int.MaxValue;
    private long _passed;

    public MeteredRelay(int target)
    {
        _target = target;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Bytes that went towards the server.</summary>
    public long Passed => Interlocked.Read(ref _passed);

    /// <summary>From now on no connection passes more than this in a second.</summary>
    public void Slow(int bytesPerSecond) => Volatile.Write(ref _bytesPerTurn, (int)(bytesPerSecond * Turn.TotalSeconds));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> passing = [];
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync(_stop.Token);
                var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                client.NoDelay = true;
                await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                passing.Add(PassAsync(client, server, isUp: true));
                passing.Add(PassAsync(server, client, isUp: false));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test ends.
        }

        await Task.WhenAll(passing);
    }

    private async Task PassAsync(Socket from, Socket to, bool isUp)
    {
        var buffer = new byte[Kept];
        using var turn = new PeriodicTimer(Turn);
        try
        {
            while (true)
            {
                var most = isUp ? Volatile.Read(ref _bytesPerTurn) : int.MaxValue;
                if (most != int.MaxValue)
                {
                    await turn.WaitForNextTickAsync(_stop.Token);
                    if (most == 0)
                    {
                        continue;
                    }
                }

                var read = await from.ReceiveAsync(buffer.AsMemory(0, Math.Min(most, Kept)), _stop.Token);
                if (read == 0)
                {
                    break;
                }

                await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
                Interlocked.Add(ref _passed, isUp ? read : 0);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Closed, by one side or with the test.
        }

        from.Close(0);
        to.Close(0);
    }
}
