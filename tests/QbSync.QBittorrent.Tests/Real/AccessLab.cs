using Prometheus;
using QbSync.Host.Commands.Demo;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;

namespace QbSync.QBittorrent.Tests.Real;

/// <summary>Running clients that want a login, and clients of ours with whatever credentials and clock. Owner of all of them.</summary>
internal sealed class AccessLab : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly List<QBittorrentProcesses> _processes = [];
    private readonly List<Party> _parties = [];
    private int _profiles;

    /// <summary>An executable besides the one under test; null when none is cached.</summary>
    public static string? OtherExecutable
    {
        get
        {
            var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set ? set : Path.Join(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            var current = QBittorrentProcesses.FindExecutable();
            return new[] { "trixie", "sid", "bullseye" }.Select(suite => Path.Join(cache, "qbsync", "clients", suite, "run")).FirstOrDefault(path => path != current && File.Exists(path));
        }
    }

    public async Task<QBittorrentInstance> StartAsync(string? executable = null, int? port = null, bool requireLogin = true)
    {
        if ((executable ?? QBittorrentProcesses.FindExecutable()) is not { } file)
        {
            Assert.Ignore($"There is no qbittorrent-nox on the path, and {QBittorrentProcesses.ExecutableVariable} names none.");
            throw new InvalidOperationException();
        }

        var processes = new QBittorrentProcesses(file, TimeProvider.System, FreePorts.Take);
        _processes.Add(processes);
        return await processes.StartAsync(new QBittorrentInstanceOptions { Directory = _folder[$"profile{_profiles++}"], RequireLogin = requireLogin, WebPort = port }, CancellationToken.None);
    }

    public Party Connect(QBittorrentInstance instance, Action<QBittorrentOptions>? configure = null, TimeProvider? time = null)
    {
        var options = new QBittorrentOptions { Url = instance.Url, Username = instance.Username, Password = instance.Password };
        configure?.Invoke(options);
        var party = new Party(options, time ?? TimeProvider.System);
        _parties.Add(party);
        return party;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var party in _parties)
        {
            await party.Client.DisposeAsync();
        }

        foreach (var processes in _processes)
        {
            await processes.DisposeAsync();
        }

        _folder.Dispose();
        foreach (var party in _parties)
        {
            party.Log.Verify();
        }
    }

    internal sealed class Party
    {
        public Party(QBittorrentOptions options, TimeProvider time)
        {
            Api = new QBittorrentClient(options, null, Prometheus.Metrics.WithCustomRegistry(Registry), Registry, "source", Log, time, new Random(1));
            Client = new QBittorrentTorrentClient(Api, options, Log, time);
        }

        public LogErrorGuard Log { get; } = new();

        public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

        public QBittorrentClient Api { get; }

        public QBittorrentTorrentClient Client { get; }

        public double Logins => MetricReader.Read(Registry, "qbsync_qb_api_calls_total", "Login");
    }
}
