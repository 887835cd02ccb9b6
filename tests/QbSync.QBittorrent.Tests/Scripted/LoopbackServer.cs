using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace QbSync.QBittorrent.Tests.Scripted;

/// <summary>
/// A handler's answers over real sockets, with a client's connections as they are: kept alive, and cut when they were idle for long. Owner of its
/// connections.
/// </summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly HttpMessageInvoker _answers;
    private readonly X509Certificate2? _certificate;
    private readonly TimeSpan _idle;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _gate = new();
    private readonly List<Task> _connections = [];
    private readonly List<string> _heads = [];
    private readonly Task _accepting;
    private int _cut;

    public LoopbackServer(HttpMessageHandler answers, X509Certificate2? certificate = null, TimeSpan? idle = null)
    {
        _answers = new HttpMessageInvoker(answers, disposeHandler: false);
        _certificate = certificate;
        _idle = idle ?? Timeout.InfiniteTimeSpan;
        _listener.Start(512);
        Url = new Uri($"{(certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/base/");
        _accepting = AcceptAsync();
    }

    public Uri Url { get; }

    public int Connections
    {
        get
        {
            lock (_gate)
            {
                return _connections.Count;
            }
        }
    }

    /// <summary>Connections that it closed because they were idle.</summary>
    public int Cut => Volatile.Read(ref _cut);

    /// <summary>Request lines and headers as they came.</summary>
    public IReadOnlyList<string> Heads
    {
        get
        {
            lock (_gate)
            {
                return [.. _heads];
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        Task[] connections;
        lock (_gate)
        {
            connections = [.. _connections];
        }

        await Task.WhenAll(connections);
        _answers.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_end.Token);
                socket.NoDelay = true;
                lock (_gate)
                {
                    _connections.Add(Task.Run(() => ServeAsync(socket)));
                }
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
            await using Stream stream = _certificate is null ? new NetworkStream(socket, ownsSocket: true) : new SslStream(new NetworkStream(socket, ownsSocket: true));
            if (stream is SslStream secure)
            {
                await secure.AuthenticateAsServerAsync(_certificate!);
            }

            while (await ReadAsync(stream) is { } request)
            {
                using (request)
                using (var response = await _answers.SendAsync(request, _end.Token))
                {
                    await WriteAsync(stream, response);
                }
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Whatever a handler throws, or a caller that went away: the connection is cut.
            socket.Dispose();
        }
    }

    private async Task<HttpRequestMessage?> ReadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (head.Length < 4 || head.ToString(head.Length - 4, 4) != "\r\n\r\n")
        {
            using var idle = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            idle.CancelAfter(head.Length == 0 ? _idle : Timeout.InfiniteTimeSpan);
            int read;
            try
            {
                read = await stream.ReadAsync(one, idle.Token);
            }
            catch (OperationCanceledException) when (!_end.IsCancellationRequested)
            {
                Interlocked.Increment(ref _cut);
                return null;
            }

            if (read == 0)
            {
                return null;
            }

            head.Append((char)one[0]);
        }

        lock (_gate)
        {
            _heads.Add(head.ToString());
        }

        var lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var first = lines[0].Split(' ');
        var request = new HttpRequestMessage(new HttpMethod(first[0]), new Uri(Url, first[1]));
        var headers = lines.Skip(1).Select(static line => line.Split(": ", 2)).ToDictionary(static parts => parts[0], static parts => parts[1], StringComparer.OrdinalIgnoreCase);
        if (headers.TryGetValue("Content-Length", out var length))
        {
            var body = new byte[int.Parse(length, CultureInfo.InvariantCulture)];
            await stream.ReadExactlyAsync(body, _end.Token);
            request.Content = new ByteArrayContent(body);
        }

        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return request;
    }

    private async Task WriteAsync(Stream stream, HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsByteArrayAsync(_end.Token);
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {(int)response.StatusCode} \r\n");
        foreach (var (name, values) in response.Headers)
        {
            foreach (var value in values)
            {
                head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
            }
        }

        head.Append(CultureInfo.InvariantCulture, $"Content-Length: {(response.StatusCode == HttpStatusCode.NoContent ? 0 : body.Length)}\r\n\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.ToString()).Concat(body).ToArray(), _end.Token);
    }
}
