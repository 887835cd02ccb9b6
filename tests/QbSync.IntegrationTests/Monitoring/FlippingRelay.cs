using System.Net;
using System.Net.Sockets;

namespace QbSync.IntegrationTests.Monitoring;

/// <summary>Passes bytes on between source and destination; when told to, it changes one of a torrent's on its way, as a bad memory would.</summary>
internal sealed class FlippingRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _passing = [];
    private readonly Lock _gate = new();
    private readonly int _target;
    private readonly Task _accepting;
    private byte[][]? _marks;

    public FlippingRelay(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Changes a byte of it, once. Many places are looked for, since some may lie across two reads; the first that passes is it.</summary>
    public void FlipNext(BuiltTorrent torrent)
    {
        var file = torrent.Files[0];
        Volatile.Write(ref _marks, [.. Enumerable.Range(0, 64).Select(place => Mark(file.Content, (file.Length - 16) * place / 64))]);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_passing);
        _stop.Dispose();
    }

    private static byte[] Mark(TorrentContent content, long offset)
    {
        var mark = new byte[16];
        content.Read(offset, mark);
        return mark;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                _passing.Add(ConnectAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // The test ends.
        }
    }

    private async Task ConnectAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                await Task.WhenAll(PassAsync(client, server, isUp: true), PassAsync(server, client, isUp: false));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // One side is gone, and the other is to know.
            }
        }
    }

    private async Task PassAsync(Socket from, Socket to, bool isUp)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var read)
        {
            if (isUp)
            {
                Flip(buffer.AsSpan(0, read));
            }

            await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
        }

        to.Shutdown(SocketShutdown.Send);
    }

    private void Flip(Span<byte> bytes)
    {
        if (Volatile.Read(ref _marks) is null)
        {
            return;
        }

        lock (_gate)
        {
            foreach (var mark in _marks ?? [])
            {
                if (bytes.IndexOf(mark) is >= 0 and var at)
                {
                    bytes[at] ^= 1;
                    _marks = null;
                    return;
                }
            }
        }
    }
}
