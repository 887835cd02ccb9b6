using System.Net;
using System.Net.Sockets;
using System.Text;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>Answers whatever comes with the same bytes and hangs up: for answers that no library would write.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly byte[] _answer;
    private readonly Task _serving;

    public RawServer(string answer)
    {
        _answer = Encoding.Latin1.GetBytes(answer);
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        _serving = ServeAsync();
    }

    public Uri Url { get; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _serving;
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        var request = new byte[65536];
        try
        {
            while (true)
            {
                using var socket = await _listener.AcceptSocketAsync(_end.Token);
                await socket.ReceiveAsync(request, _end.Token);
                await socket.SendAsync(_answer, _end.Token);
                socket.Shutdown(SocketShutdown.Send);
                while (await socket.ReceiveAsync(request, _end.Token) > 0)
                {
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Disposed: whichever of its calls the listener was in.
        }
    }
}
