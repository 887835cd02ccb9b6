using Microsoft.Extensions.Logging;
using QbSync.Storage.FolderClient;
using QbSync.Torrents;

namespace QbSync.Host.Commands.Demo;

/// <summary>Both machines with a client over a folder; nothing but .NET is needed.</summary>
internal sealed class FolderStage(string folder, ILoggerFactory loggers, TimeProvider time) : IDemoStage
{
    private const long DownloadBytesPerSecond = 48 << 20;

    private string SourceData => Path.Combine(folder, "source", "data");

    public string DestinationData => Path.Combine("destination", "data");

    public IReadOnlyDictionary<string, string> SourceOptions => Options("source");

    public IReadOnlyDictionary<string, string> DestinationOptions => Options("destination");

    public async Task PrepareAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        foreach (var role in new[] { "source", "destination" })
        {
            Directory.CreateDirectory(Path.Combine(folder, role, "data"));
            Directory.CreateDirectory(Path.Combine(folder, role, "torrents"));
        }

        await AddAsync(torrents.Live, cancellationToken);
        await DemoDownload.WriteAllAsync(torrents.Many, SourceData, cancellationToken);
        await AddAsync(torrents.Many, cancellationToken);
        await DeselectAsync(torrents.Many, cancellationToken);
    }

    public async Task<bool> AddLinkedAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        var isLinked = await DemoDownload.LinkOrWriteAsync(torrents, SourceData, cancellationToken);
        await AddAsync(torrents.Linked, cancellationToken);
        return isLinked;
    }

    public Task DownloadAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        var file = torrents.Live.Files[0];
        return DemoDownload.WriteAsync(file, Path.Combine(SourceData, file.Path), DownloadBytesPerSecond, time, cancellationToken);
    }

    public async Task<IReadOnlyList<string>> FindFaultsAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        var source = OpenClient("source");
        var destination = OpenClient("destination");
        return await ClientFaults.FindAsync(torrents, source, destination, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task AddAsync(DemoTorrent torrent, CancellationToken cancellationToken) =>
        File.WriteAllBytesAsync(Path.Combine(folder, "source", "torrents", torrent.Name + ".torrent"), torrent.Torrent, cancellationToken);

    private async Task DeselectAsync(DemoTorrent torrent, CancellationToken cancellationToken)
    {
        var client = OpenClient("source");
        await client.PollAsync([], cancellationToken);
        var status = await client.FindAsync(InfoHash.Parse(torrent.InfoHash), InfoHash.None, cancellationToken)
            ?? throw new InvalidOperationException($"The folder client does not find {torrent.Name}.");
        var files = await client.GetFilesAsync(status.Id, cancellationToken);
        var unwanted = torrent.Files.Where(file => !file.IsSelected).Select(file => file.Path).ToHashSet();
        await client.SelectAsync(status.Id, [.. files.Where(file => unwanted.Contains(file.Path)).Select(file => file.Index)], false, cancellationToken);
    }

    private FolderTorrentClient OpenClient(string role) => new(
        new FolderClientOptions { TorrentsDirectory = Path.Combine(folder, role, "torrents"), DataDirectory = Path.Combine(folder, role, "data") },
        loggers,
        time);

    private Dictionary<string, string> Options(string role) => new()
    {
        ["client"] = "folder",
        ["client-dir"] = Path.Combine(folder, role, "torrents"),
        ["data"] = Path.Combine(folder, role, "data"),
        ["state-dir"] = Path.Combine(folder, role, "state"),
    };
}
