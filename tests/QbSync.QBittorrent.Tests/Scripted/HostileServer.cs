using System.Net;
using System.Net.Sockets;
using System.Text;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>
/// A server that sends whatever bytes a test wants, for as long as somebody takes them; what a session asks is answered as a client does. Keeps
/// nothing of what it sends. Owner of its connections.
/// </summary>
internal sealed class HostileServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<Stream, CancellationToken, Task> _send;
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;

    public HostileServer(Func<Stream, CancellationToken, Task> send)
    {
        _send = send;
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        _accepting = AcceptAsync();
    }

    public Uri Url { get; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_end.Token);
                _connections.Add(Task.Run(() => ServeAsync(socket)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Disposed: whichever of its calls the listener was in.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            while (await ReadHeadAsync(stream) is { } head)
            {
                if (Session(head) is { } body)
                {
                    await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 \r\nContent-Length: {body.Length}\r\n\r\n{body}"), _end.Token);
                }
                else
                {
                    await _send(stream, _end.Token);
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // Nobody takes more.
        }
    }

    private static string? Session(string head) => head.Split(' ')[1] switch
    {
        "/api/v2/app/webapiVersion" => "2.11.4",
        "/api/v2/app/version" => "v5.1.0",
        "/api/v2/app/buildInfo" => """{"libtorrent":"2.0.11.0"}""",
        "/api/v2/app/preferences" => """{"save_path":"/d"}""",
        "/api/v2/auth/logout" => "",
        _ => null,
    };

    private async Task<string?> ReadHeadAsync(Stream stream)
    {
        var head = new byte[4096];
        var length = 0;
        while (length < 4 || !head.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            var read = await stream.ReadAsync(head.AsMemory(length), _end.Token);
            if (read == 0)
            {
                return null;
            }

            length += read;
        }

        return Encoding.ASCII.GetString(head, 0, length);
    }
}
