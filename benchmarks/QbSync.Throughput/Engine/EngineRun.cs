using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Host.Commands.Demo;
using QbSync.Storage.FolderClient;
using QbSync.Throughput.Measuring;
using QbSync.Throughput.Report;

namespace QbSync.Throughput.Engine;

/// <summary>One torrent, made once and read from page cache; each run syncs it to a fresh destination between two roles as the executable runs them.</summary>
internal sealed class EngineRun(ThroughputOptions options, string folder)
{
    private readonly DemoTorrent _torrent = DemoTorrent.Make(
        "throughput.bin", options.PieceMiB << 20, [new DemoFile("throughput.bin", options.SizeMiB << 20, new DemoContent(7), true)]);

    private int _number;

    private static IReadOnlyDictionary<string, string> Common { get; } = new Dictionary<string, string> { ["health-addr"] = "127.0.0.1:0", ["security"] = "insecure" };

    public async Task<Run> RunAsync(Layer layer)
    {
        var run = Directory.CreateDirectory(Path.Combine(folder, $"run-{++_number}")).FullName;
        try
        {
            return layer == Layer.Clients ? await BetweenRealClientsAsync(run) : await BetweenFoldersAsync(run);
        }
        finally
        {
            Directory.Delete(run, recursive: true);
        }
    }

    private async Task<Run> BetweenFoldersAsync(string run)
    {
        var data = Path.Combine(folder, "source-data");
        if (!Directory.Exists(data))
        {
            await DemoDownload.WriteAllAsync(_torrent, data, CancellationToken.None);
        }

        // The folder client hashes what it finds once; that is not what is measured.
        var torrents = Directory.CreateDirectory(Path.Combine(run, "source-torrents")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(torrents, "throughput.torrent"), _torrent.Torrent);
        var client = new FolderTorrentClient(
            new FolderClientOptions { TorrentsDirectory = torrents, DataDirectory = data }, NullLoggerFactory.Instance, TimeProvider.System);
        while ((await client.PollAsync([], CancellationToken.None)).Torrents is not [{ IsComplete: true }])
        {
        }

        return await RunRolesAsync(
            run,
            new Dictionary<string, string> { ["client"] = "folder", ["client-dir"] = torrents, ["data"] = data },
            new Dictionary<string, string>
            {
                ["client"] = "folder",
                ["client-dir"] = Directory.CreateDirectory(Path.Combine(run, "destination-torrents")).FullName,
                ["data"] = Directory.CreateDirectory(Path.Combine(run, "destination-data")).FullName,
            });
    }

    private async Task<Run> BetweenRealClientsAsync(string run)
    {
        var executable = QBittorrentProcesses.FindExecutable() ?? throw new InvalidOperationException("qbittorrent-nox is not on the path.");
        await using var stage = new QBittorrentStage(run, executable, NullLoggerFactory.Instance, TimeProvider.System);
        await stage.PrepareAsync([_torrent], null, CancellationToken.None);
        return await RunRolesAsync(run, stage.SourceOptions, stage.DestinationOptions);
    }

    private async Task<Run> RunRolesAsync(string run, IReadOnlyDictionary<string, string> source, IReadOnlyDictionary<string, string> destination)
    {
        using var receiver = Child.Start(
            EngineRole.Destination,
            [.. destination, .. Common, new("state-dir", Path.Combine(run, "destination-state")), new("listen", "127.0.0.1:0"), new("min-free", "0"), new("recheck", options.Recheck)]);
        var address = await receiver.ReadLineAsync();
        using var sender = Child.Start(
            EngineRole.Source, [.. source, .. Common, new("state-dir", Path.Combine(run, "source-state")), new("min-space", "0"), new("destination-addr", address)]);
        var sent = await sender.ReadFiguresAsync();
        receiver.EndInput();
        return new Run(sent, await receiver.ReadFiguresAsync());
    }
}
