using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Prometheus;
using QbSync.Ports;
using QbSync.QBittorrent;
using QbSync.Torrents;

namespace QbSync.Host.Commands.Demo;

/// <summary>
/// Both machines with a real qBittorrent, and a third one that A is downloaded from. All three are ended by process id when the stage is disposed.
/// </summary>
internal sealed class QBittorrentStage(string folder, string executable, ILoggerFactory loggers, TimeProvider time) : IDemoStage
{
    private const int DownloadBytesPerSecond = 48 << 20;

    private readonly QBittorrentProcesses _processes = new(executable, time);
    private QBittorrentInstance? _source;
    private QBittorrentInstance? _destination;
    private QBittorrentInstance? _seeder;

    public string DestinationData => Path.Combine("destination", "downloads");

    public IReadOnlyDictionary<string, string> SourceOptions => Options(_source!, "source");

    public IReadOnlyDictionary<string, string> DestinationOptions => Options(_destination!, "destination");

    public Task PrepareAsync(DemoTorrents torrents, CancellationToken cancellationToken) =>
        PrepareAsync([torrents.Many], torrents.Live, cancellationToken);

    public async Task<bool> AddLinkedAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        var isLinked = await DemoDownload.LinkOrWriteAsync(torrents, _source!.SavePath, cancellationToken);
        await using var client = Connect(_source);
        await StartSeedingAsync(client, torrents.Linked, _source, cancellationToken);
        return isLinked;
    }

    /// <summary>Starts the clients; <paramref name="seeding"/> is whole at the source, <paramref name="live"/> at the third client only.</summary>
    public async Task PrepareAsync(IReadOnlyList<DemoTorrent> seeding, DemoTorrent? live, CancellationToken cancellationToken)
    {
        _source = await StartAsync("source", cancellationToken);
        _destination = await StartAsync("destination", cancellationToken);
        await using var source = Connect(_source);
        foreach (var torrent in seeding)
        {
            await AddSeedingAsync(source, torrent, _source, cancellationToken);
        }

        if (live is not null)
        {
            _seeder = await StartAsync("seeder", cancellationToken);
            await using var seeder = Connect(_seeder);
            await AddSeedingAsync(seeder, live, _seeder, cancellationToken);
        }
    }

    public async Task DownloadAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        await using var client = Connect(_source!);
        var status = await AddAsync(client, torrents.Live, _source!, skipCheck: false, cancellationToken);
        await _source!.PostAsync(
            "torrents/setDownloadLimit",
            new Dictionary<string, string> { ["hashes"] = status.Id.Value, ["limit"] = DownloadBytesPerSecond.ToString(CultureInfo.InvariantCulture) },
            cancellationToken);
        await client.StartAsync([status.Id], force: true, cancellationToken);
        while (status is not { IsComplete: true })
        {
            await _source.AddPeerAsync(status.Id.Value, _seeder!, cancellationToken);
            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
            status = (await client.GetAsync([status.Id], cancellationToken))[0];
        }
    }

    public async Task<IReadOnlyList<string>> FindFaultsAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        await using var source = Connect(_source!);
        await using var destination = Connect(_destination!);
        return await ClientFaults.FindAsync(torrents, source, destination, cancellationToken);
    }

    public ValueTask DisposeAsync() => _processes.DisposeAsync();

    private Task<QBittorrentInstance> StartAsync(string name, CancellationToken cancellationToken) => _processes.StartAsync(
        new QBittorrentInstanceOptions
        {
            Directory = Path.Combine(folder, name),
            RequireLogin = true,
            Password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12)),
        },
        cancellationToken);

    private async Task AddSeedingAsync(ITorrentClient client, DemoTorrent torrent, QBittorrentInstance instance, CancellationToken cancellationToken)
    {
        await DemoDownload.WriteAllAsync(torrent, instance.SavePath, cancellationToken);
        await StartSeedingAsync(client, torrent, instance, cancellationToken);
    }

    private async Task StartSeedingAsync(ITorrentClient client, DemoTorrent torrent, QBittorrentInstance instance, CancellationToken cancellationToken)
    {
        var status = await AddAsync(client, torrent, instance, skipCheck: true, cancellationToken);
        var unwanted = torrent.Files.Where(file => !file.IsSelected).Select(file => file.Path).ToHashSet();
        var files = await client.GetFilesAsync(status.Id, cancellationToken);
        int[] indices = [.. files.Where(file => unwanted.Contains(file.Path)).Select(file => file.Index)];
        if (indices.Length > 0)
        {
            await client.SelectAsync(status.Id, indices, false, cancellationToken);
        }

        await client.StartAsync([status.Id], force: true, cancellationToken);
    }

    private async Task<TorrentStatus> AddAsync(
        ITorrentClient client, DemoTorrent torrent, QBittorrentInstance instance, bool skipCheck, CancellationToken cancellationToken)
    {
        await client.AddAsync(new AddTorrentRequest { Torrent = torrent.Torrent, SavePath = instance.SavePath, SkipCheck = skipCheck }, cancellationToken);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        while (true)
        {
            if (await client.FindAsync(InfoHash.Parse(torrent.InfoHash), InfoHash.None, either.Token) is { } status && !status.State.IsChecking())
            {
                return status;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), time, either.Token);
        }
    }

    private QBittorrentTorrentClient Connect(QBittorrentInstance instance)
    {
        // Own registry: what the demo asks of the clients is not what the roles ask.
        var registry = Metrics.NewCustomRegistry();
        return new QBittorrentTorrentClient(
            new QBittorrentOptions { Url = instance.Url, Username = instance.Username, Password = instance.Password },
            Metrics.WithCustomRegistry(registry),
            registry,
            "source",
            loggers,
            time,
            new Random());
    }

    private Dictionary<string, string> Options(QBittorrentInstance instance, string role) => new()
    {
        ["client"] = "qbittorrent",
        ["data"] = instance.SavePath,
        ["state-dir"] = Path.Combine(folder, role, "state"),
        ["qb-url"] = instance.Url.ToString(),
        ["qb-username"] = instance.Username,
        ["qb-password"] = instance.Password,
    };
}
