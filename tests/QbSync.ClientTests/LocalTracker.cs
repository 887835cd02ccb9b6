using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace QbSync.ClientTests;

/// <summary>A tracker on loopback that has no peers, and a log of who announced what.</summary>
internal sealed class LocalTracker : IAsyncDisposable
{
    private static readonly byte[] Answer = Encoding.ASCII.GetBytes("d8:intervali1800e5:peers0:e");

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly Task _run;

    public LocalTracker()
    {
        _listener.Start();
        _run = Task.Run(RunAsync);
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/announce";

    /// <summary>The request lines, in the order they came.</summary>
    public IReadOnlyList<string> Announces => [.. _requests];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _run;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var connection = await _listener.AcceptTcpClientAsync(_stop.Token);
                await using var stream = connection.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                var request = await reader.ReadLineAsync(_stop.Token) ?? "";
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 })
                {
                }

                _requests.Enqueue(request);
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Answer.Length}\r\nConnection: close\r\n\r\n"), _stop.Token);
                await stream.WriteAsync(Answer, _stop.Token);
            }
            catch (Exception fault) when (fault is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
            {
                // A client that went away in the middle, or the end of the test.
            }
        }
    }
}
