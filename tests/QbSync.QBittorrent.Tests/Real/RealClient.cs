using Prometheus;
using QbSync.Host.Commands.Demo;
using QbSync.Ports;
using QbSync.QBittorrent.Http;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Tests.Real;

/// <summary>A running qBittorrent and our client of it. The executable is that of QBSYNC_QBITTORRENT, else the system's.</summary>
internal sealed class RealClient : IAsyncDisposable
{
    private readonly QBittorrentProcesses _processes;
    private readonly TempDirectory _folder = new();

    private SocketsHttpHandler _handler = null!;

    private RealClient(QBittorrentProcesses processes) => _processes = processes;

    public LogErrorGuard Log { get; } = new();

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public QBittorrentInstance Instance { get; private set; } = null!;

    public QBittorrentTorrentClient Client { get; private set; } = null!;

    public QBittorrentClient Api { get; private set; } = null!;

    public static async Task<RealClient> StartAsync(
        bool requireLogin = false,
        Action<QBittorrentOptions>? configure = null,
        IReadOnlyDictionary<string, string>? session = null,
        Func<HttpMessageHandler, HttpMessageHandler>? wrap = null)
    {
        if (QBittorrentProcesses.FindExecutable() is not { } executable)
        {
            Assert.Ignore($"There is no qbittorrent-nox on the path, and {QBittorrentProcesses.ExecutableVariable} names none.");
            throw new InvalidOperationException();
        }

        var real = new RealClient(new QBittorrentProcesses(executable, TimeProvider.System, FreePorts.Take));
        await real.StartInstanceAsync(requireLogin, session ?? new Dictionary<string, string>());
        var options = new QBittorrentOptions { Url = real.Instance.Url };
        if (requireLogin)
        {
            (options.Username, options.Password) = (real.Instance.Username, real.Instance.Password);
        }

        configure?.Invoke(options);
        real._handler = ClientHandler.Create(real.Instance.Url);
        var metrics = Prometheus.Metrics.WithCustomRegistry(real.Registry);
        real.Api = new QBittorrentClient(options, wrap?.Invoke(real._handler) ?? real._handler, metrics, real.Registry, "destination", real.Log, TimeProvider.System, new Random(1));
        real.Client = new QBittorrentTorrentClient(real.Api, options, real.Log, TimeProvider.System);
        return real;
    }

    public async Task<bool> IsAtLeastAsync(string version) =>
        Version.Parse(await Instance.GetAsync("app/webapiVersion", CancellationToken.None)) >= Version.Parse(version);

    /// <summary>Adds a torrent with its content, stopped and complete; gives its status.</summary>
    public async Task<TorrentStatus> SeedAsync(BuiltTorrent torrent, Func<AddTorrentRequest, AddTorrentRequest>? change = null)
    {
        torrent.WriteContent(Instance.SavePath);
        var request = new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = Instance.SavePath, SkipCheck = true };
        await Client.AddAsync(change?.Invoke(request) ?? request, CancellationToken.None);
        return await BecomesAsync(torrent, static status => status.IsComplete && status.State.IsStopped());
    }

    public async Task<TorrentStatus> BecomesAsync(BuiltTorrent torrent, Func<TorrentStatus, bool> condition)
    {
        TorrentStatus? status = null;
        try
        {
            await Eventually.BecomesTrueAsync(async () =>
            {
                status = await Client.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
                return status is not null && condition(status);
            });
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Not so in time: {status}. {string.Join(' ', _processes.UnaskedEnds)}");
        }

        return status!;
    }

    /// <summary>Loses the login, as a client does that restarts.</summary>
    public void LoseCookies()
    {
        foreach (var cookie in _handler.CookieContainer.GetAllCookies().Cast<System.Net.Cookie>())
        {
            cookie.Expired = true;
        }
    }

    public double Metric(string name, params string[] labels) => MetricReader.Read(Registry, name, labels);

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _processes.DisposeAsync();
        _folder.Dispose();
        Assert.That(_processes.UnaskedEnds, Is.Empty, "clients ended by themselves");
        Log.Verify();
    }

    private async Task StartInstanceAsync(bool requireLogin, IReadOnlyDictionary<string, string> session) =>
        Instance = await _processes.StartAsync(
            new QBittorrentInstanceOptions { Directory = _folder["profile"], RequireLogin = requireLogin, Session = session }, CancellationToken.None);
}
