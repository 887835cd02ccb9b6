using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>
/// A link of a rate, towards the server: each byte that passes takes its time of a virtual clock, which nothing else moves. So the link is as slow as it is to
/// be for all who look at that clock, however fast or loaded the machine is.
/// </summary>
internal sealed class PacedRelay : IAsyncDisposable
{
    private const int Quantum = 8 << 10;
    private const int Buffer = 64 << 10;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _clock = new();
    private readonly List<Task> _passing = [];
    private readonly FakeTimeProvider _time;
    private readonly double _bytesPerSecond;
    private readonly int _target;
    private readonly Task _accepting;
    private readonly TaskCompletionSource _goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _passed;

    public PacedRelay(int target, FakeTimeProvider time, double bytesPerSecond)
    {
        (_target, _time, _bytesPerSecond) = (target, time, bytesPerSecond);

        // What the kernel holds on this side of the link would be a queue of megabytes otherwise.
        _listener.Server.ReceiveBufferSize = Buffer;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>After so many bytes towards the server nothing passes until <see cref="GoOn"/>: what has to happen meanwhile has all the time it needs.</summary>
    public long HoldAfter { get; init; } = long.MaxValue;

    /// <summary>Bytes that passed towards the server.</summary>
    public long Passed => Interlocked.Read(ref _passed);

    /// <summary>What was held passes.</summary>
    public void GoOn() => _goesOn.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_passing);
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
                _passing.Add(PassAsync(client, server, isPaced: true));
                _passing.Add(PassAsync(server, client, isPaced: false));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // The test ends.
        }
    }

    private async Task PassAsync(Socket from, Socket to, bool isPaced)
    {
        var buffer = new byte[Quantum];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var read)
            {
                if (isPaced)
                {
                    if (Interlocked.Add(ref _passed, read) > HoldAfter)
                    {
                        await _goesOn.Task.WaitAsync(_stop.Token);
                    }

                    lock (_clock)
                    {
                        _time.Advance(TimeSpan.FromSeconds(read / _bytesPerSecond));
                    }
                }

                await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One end closed, or the test ends.
        }

        from.Close();
        to.Close();
    }
}
