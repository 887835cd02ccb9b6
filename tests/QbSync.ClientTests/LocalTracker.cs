using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>An announce as it came.</summary>
/// <param name="Line">The request's first line.</param>
/// <param name="Torrent">The torrent's v1 hash, or its v2 hash cut to 20 bytes; in lower hexadecimal digits.</param>
/// <param name="Port">Where that client listens for peers: which of the clients it is.</param>
/// <param name="Event"><c>started</c>, <c>completed</c>, <c>stopped</c>, or empty.</param>
internal sealed record Announce(string Line, string Torrent, int Port, string Event);

/// <summary>
/// A tracker on loopback that has no peers to tell, and a log of who announced what. The order is that in which they called, whichever is read first.
/// </summary>
internal sealed class LocalTracker : IAsyncDisposable
{
    private static readonly byte[] Answer = Encoding.ASCII.GetBytes("d8:intervali1800e5:peers0:e");

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Caller> _callers = [];
    private readonly Task _run;

    public LocalTracker()
    {
        _listener.Start();
        _run = Task.Run(RunAsync);
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/announce";

    /// <summary>All announces, in the order they came; none that came after one that is not read yet.</summary>
    public IReadOnlyList<Announce> Announces
    {
        get
        {
            lock (_gate)
            {
                return [.. _callers.TakeWhile(static caller => caller.IsRead).Select(static caller => caller.Announce).OfType<Announce>()];
            }
        }
    }

    /// <summary>Those of one torrent, by any of its hashes.</summary>
    public IReadOnlyList<Announce> Of(BuiltTorrent torrent) => [.. Announces.Where(announce => IsOf(announce, torrent.Manifest))];

    /// <summary>The clients, by port, that have announced the torrent and not taken it back.</summary>
    public IReadOnlyCollection<int> ActiveOn(BuiltTorrent torrent)
    {
        HashSet<int> active = [];
        foreach (var announce in Of(torrent))
        {
            _ = announce.Event == "stopped" ? active.Remove(announce.Port) : active.Add(announce.Port);
        }

        return active;
    }

    /// <summary>
    /// Waits until of all clients this one alone has announced the torrent and not taken it back: what a client has told by a call may be read after what it
    /// tells by another one.
    /// </summary>
    public async Task AssertComesToAsync(int port, BuiltTorrent torrent)
    {
        try
        {
            await Eventually.BecomesTrueAsync(() => ActiveOn(torrent).SequenceEqual([port]));
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Not {port} alone announces {torrent.Name}: {Tell(torrent)}");
        }
    }

    /// <summary>At no moment two clients were announced for the torrent.</summary>
    public void AssertExclusive(BuiltTorrent torrent)
    {
        HashSet<int> active = [];
        foreach (var announce in Of(torrent))
        {
            _ = announce.Event == "stopped" ? active.Remove(announce.Port) : active.Add(announce.Port);
            Assert.That(active, Has.Count.LessThanOrEqualTo(1), () => $"Two clients announce {torrent.Name}:{Environment.NewLine}{Tell(torrent)}");
        }
    }

    /// <summary>The torrent's announces for a message.</summary>
    public string Tell(BuiltTorrent torrent) => string.Join(", ", Of(torrent).Select(static announce => $"{announce.Port} {announce.Event}"));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _run;
        _stop.Dispose();
    }

    private static bool IsOf(Announce announce, TorrentManifest manifest) =>
        announce.Torrent == manifest.V1.ToString() || (manifest.V2.Length > 0 && announce.Torrent == manifest.V2.Truncated.ToString());

    private async Task RunAsync()
    {
        List<Task> answers = [];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                // One that connects and says nothing keeps no other waiting for its answer.
                var connection = await _listener.AcceptTcpClientAsync(_stop.Token);
                var caller = new Caller();
                lock (_gate)
                {
                    _callers.Add(caller);
                }

                answers.Add(AnswerAsync(connection, caller));
            }
            catch (Exception fault) when (fault is OperationCanceledException or SocketException or InvalidOperationException)
            {
                // The end of the test.
            }
        }

        await Task.WhenAll(answers);
    }

    private async Task AnswerAsync(TcpClient connection, Caller caller)
    {
        using (connection)
        {
            try
            {
                await using var stream = connection.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                if (await reader.ReadLineAsync(_stop.Token) is not { Length: > 0 } request)
                {
                    return;
                }

                Read(caller, Parse(request));
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 })
                {
                }

                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Answer.Length}\r\nConnection: close\r\n\r\n"), _stop.Token);
                await stream.WriteAsync(Answer, _stop.Token);
            }
            catch (Exception fault) when (fault is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
            {
                // A client that went away in the middle, or the end of the test.
            }
            finally
            {
                Read(caller, null);
            }
        }
    }

    private void Read(Caller caller, Announce? announce)
    {
        lock (_gate)
        {
            (caller.IsRead, caller.Announce) = (true, announce ?? caller.Announce);
        }
    }

    private static Announce Parse(string line)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var query = line.Split(' ') is [_, var target, ..] && target.IndexOf('?', StringComparison.Ordinal) is >= 0 and var at ? target[(at + 1)..] : "";
        foreach (var pair in query.Split('&'))
        {
            if (pair.Split('=', 2) is [var name, var value])
            {
                values[name] = value;
            }
        }

        return new Announce(
            line,
            Convert.ToHexStringLower(Unescape(values.GetValueOrDefault("info_hash", ""))),
            int.TryParse(values.GetValueOrDefault("port"), CultureInfo.InvariantCulture, out var port) ? port : 0,
            values.GetValueOrDefault("event", ""));
    }

    /// <summary>A hash is any bytes, which no text decoder would leave as they are.</summary>
    private static byte[] Unescape(string escaped)
    {
        List<byte> bytes = [];
        for (var i = 0; i < escaped.Length; i++)
        {
            if (escaped[i] == '%' && i + 2 < escaped.Length)
            {
                bytes.Add(byte.Parse(escaped.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                i += 2;
            }
            else
            {
                bytes.Add((byte)escaped[i]);
            }
        }

        return [.. bytes];
    }

    /// <summary>Who called, and what was read of it.</summary>
    private sealed class Caller
    {
        public Announce? Announce { get; set; }

        public bool IsRead { get; set; }
    }
}
