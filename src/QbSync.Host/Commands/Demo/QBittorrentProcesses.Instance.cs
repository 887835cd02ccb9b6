using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace QbSync.Host.Commands.Demo;

/// <summary>A running client of ours. Thread-safe; disposing it ends the process: asked first, killed after 15 s.</summary>
internal sealed class QBittorrentInstance : IAsyncDisposable
{
    private const int MaxOutput = 16 * 1024;

    // One that ends is noticed at once, so the bound is for one that hangs.
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromMinutes(1), ReadyInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(15);

    private readonly Process _process;
    private readonly QBittorrentInstanceOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly int _webPort;
    private readonly Lock _gate = new();
    private readonly StringBuilder _output = new();
    private string? _unaskedEnd;
    private volatile bool _isToEnd;

    internal QBittorrentInstance(
        Process process, QBittorrentInstanceOptions options, string savePath, int webPort, int peerPort, TimeProvider time)
    {
        _process = process;
        _options = options;
        _time = time;
        _webPort = webPort;
        ProcessId = process.Id;
        SavePath = savePath;
        PeerAddress = new IPEndPoint(IPAddress.Loopback, peerPort);
        Url = new Uri($"http://127.0.0.1:{webPort}/");
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = Url,
            Timeout = TimeSpan.FromMinutes(2),
        };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.StandardInput.Close();
    }

    /// <summary>Base of its WebAPI.</summary>
    public Uri Url { get; }

    /// <summary>The process.</summary>
    public int ProcessId { get; }

    /// <summary>Its default save path.</summary>
    public string SavePath { get; }

    /// <summary>Where it listens for peers, TCP only.</summary>
    public IPEndPoint PeerAddress { get; }

    /// <summary>The user name it accepts.</summary>
    public string Username => _options.Username;

    /// <summary>The password it accepts.</summary>
    public string Password => _options.Password;

    /// <summary>What it printed, the last 16 KiB.</summary>
    public string Output
    {
        get
        {
            lock (_gate)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>How it ended, with its exit code and what it printed, if it did though nobody had told it to; else null.</summary>
    public string? UnaskedEnd
    {
        get
        {
            lock (_gate)
            {
                if (!_isToEnd && _process.HasExited)
                {
                    _unaskedEnd = string.Create(
                        CultureInfo.InvariantCulture, $"qBittorrent {ProcessId} at {Url} ended by itself at {_process.ExitTime:O} with code {_process.ExitCode}: {_output}");
                }

                return _unaskedEnd;
            }
        }
    }

    /// <summary>Tells that it is about to be made to end by other means than those of this class.</summary>
    public void ExpectEnd()
    {
        _ = UnaskedEnd;
        _isToEnd = true;
    }

    /// <summary>Asks the WebAPI directly, as a person with a browser would; for what the product itself never does.</summary>
    public async Task<string> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await _http.GetAsync("api/v2/" + path, cancellationToken).ConfigureAwait(false);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends a form to the WebAPI directly.</summary>
    public async Task<string> PostAsync(string path, IReadOnlyDictionary<string, string> form, CancellationToken cancellationToken)
    {
        using var content = new FormUrlEncodedContent(form);
        using var answer = await _http.PostAsync("api/v2/" + path, content, cancellationToken).ConfigureAwait(false);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Tells a torrent of this client about another client.</summary>
    public Task AddPeerAsync(string torrentId, QBittorrentInstance peer, CancellationToken cancellationToken)
    {
        var form = new Dictionary<string, string> { ["hashes"] = torrentId, ["peers"] = peer.PeerAddress.ToString() };
        return PostAsync("torrents/addPeers", form, cancellationToken);
    }

    /// <summary>Kills it without asking, as a power cut would.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        ExpectEnd();
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_process.HasExited)
        {
            // What it printed last is read to its end.
            await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }

        ExpectEnd();
        if (!_process.HasExited)
        {
            await AskToEndAsync().ConfigureAwait(false);
            using var limit = new CancellationTokenSource(EndTimeout, _time);
            try
            {
                await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
                await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }

        _process.Dispose();
        _http.Dispose();
    }

    internal async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(ReadyTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            while (!await AnswersAsync(either.Token).ConfigureAwait(false))
            {
                if (_process.HasExited)
                {
                    throw new InvalidOperationException($"qBittorrent ended at once with code {_process.ExitCode}: {Output}");
                }

                await Task.Delay(ReadyInterval, _time, either.Token).ConfigureAwait(false);
            }

            await ProveOursAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException($"qBittorrent did not answer within {ReadyTimeout.TotalSeconds:0} s: {Output}");
        }
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _http.GetAsync("api/v2/app/webapiVersion", cancellationToken).ConfigureAwait(false);
            return answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    // Another program may have taken the port between our look and the client's bind, and it may be a client as well; but no other one saves where ours does.
    private async Task ProveOursAsync(CancellationToken cancellationToken)
    {
        if (_options.RequireLogin)
        {
            var login = new Dictionary<string, string> { ["username"] = Username, ["password"] = Password };
            await PostAsync("auth/login", login, cancellationToken).ConfigureAwait(false);
        }

        using var preferences = JsonDocument.Parse(await GetAsync("app/preferences", cancellationToken).ConfigureAwait(false));
        if (_process.HasExited
            || preferences.RootElement.GetProperty("web_ui_address").GetString() != "127.0.0.1"
            || preferences.RootElement.GetProperty("web_ui_port").GetInt32() != _webPort
            || preferences.RootElement.GetProperty("save_path").GetString()?.TrimEnd('/') != SavePath.TrimEnd('/'))
        {
            throw new InvalidOperationException($"Port {_webPort} is answered by another program.");
        }
    }

    private async Task AskToEndAsync()
    {
        using var kill = Process.Start("/bin/sh", ["-c", "kill -TERM " + ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_gate)
        {
            _output.AppendLine(line);
            if (_output.Length > MaxOutput)
            {
                _output.Remove(0, _output.Length - MaxOutput);
            }
        }
    }
}
