using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Storage.FolderClient;
using QbSync.Torrents;

namespace QbSync.Host.Commands.Demo;

/// <summary>Both machines with a client over a folder; nothing but .NET is needed.</summary>
internal sealed class FolderStage(string folder, ILoggerFactory loggers, TimeProvider time) : IDemoStage
{
    private const long DownloadBytesPerSecond = 48 << 20;

    private string SourceData => Path.Combine(folder, "source", "data");

    private string SourceTorrents => Path.Combine(folder, "source", "torrents");

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

        await File.WriteAllBytesAsync(Path.Combine(SourceTorrents, torrents.Live.Name + ".torrent"), torrents.Live.Torrent, cancellationToken);
        await DemoDownload.WriteAllAsync(torrents.Many, SourceData, cancellationToken);
        await AddSeedingAsync(torrents.Many, cancellationToken);
    }

    public async Task<bool> AddLinkedAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        var isLinked = await DemoDownload.LinkOrWriteAsync(torrents, SourceData, cancellationToken);
        await AddSeedingAsync(torrents.Linked, cancellationToken);
        return isLinked;
    }

    public Task DownloadAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        var file = torrents.Live.Files[0];
        return DemoDownload.WriteAsync(file, Path.Combine(SourceData, file.Path), DownloadBytesPerSecond, time, cancellationToken);
    }

    public async Task<IReadOnlyList<string>> FindFaultsAsync(DemoTorrents torrents, CancellationToken cancellationToken)
    {
        await using var source = OpenClient("source", Path.Combine(folder, "source", "torrents"));
        await using var destination = OpenClient("destination", Path.Combine(folder, "destination", "torrents"));
        return await ClientFaults.FindAsync(torrents, source, destination, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>
    /// Adds a torrent as one that was finished long ago. It is made ready in a folder of its own: the role's client, which may run already, shall never see it as
    /// one that still downloads, for a file that may change yet is linked to nothing that is final.
    /// </summary>
    private async Task AddSeedingAsync(DemoTorrent torrent, CancellationToken cancellationToken)
    {
        var preparing = Directory.CreateDirectory(Path.Combine(folder, "source", "preparing"));
        await using (var client = OpenClient("source", preparing.FullName))
        {
            await client.AddAsync(new AddTorrentRequest { Torrent = torrent.Torrent, SavePath = SourceData, SkipCheck = true }, cancellationToken);
            var status = await client.FindAsync(InfoHash.Parse(torrent.InfoHash), InfoHash.None, cancellationToken)
                ?? throw new InvalidOperationException($"The folder client does not find {torrent.Name}.");
            var unwanted = torrent.Files.Where(file => !file.IsSelected).Select(file => file.Path).ToHashSet();
            var files = await client.GetFilesAsync(status.Id, cancellationToken);
            int[] indices = [.. files.Where(file => unwanted.Contains(file.Path)).Select(file => file.Index)];
            if (indices.Length > 0)
            {
                await client.SelectAsync(status.Id, indices, false, cancellationToken);
            }

            await client.StartAsync([status.Id], force: true, cancellationToken);
        }

        // What is known of it goes first, the .torrent, by which it is found, last.
        foreach (var file in preparing.EnumerateFiles(torrent.InfoHash + "*").OrderBy(file => file.Extension == ".torrent").ToList())
        {
            file.MoveTo(Path.Combine(SourceTorrents, file.Name));
        }

        preparing.Delete(recursive: true);
    }

    private FolderTorrentClient OpenClient(string role, string torrents) => new(
        new FolderClientOptions { TorrentsDirectory = torrents, DataDirectory = Path.Combine(folder, role, "data") },
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
