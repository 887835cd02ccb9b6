using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Host.Commands.Demo;
using QbSync.Host.Configuration;
using QbSync.Storage.FolderClient;

namespace QbSync.Throughput;

/// <summary>One torrent, made once and read from page cache; each run syncs it to a fresh destination in processes of their own.</summary>
internal sealed class Measurement(ThroughputOptions options, string folder)
{
    private readonly DemoTorrent _torrent = DemoTorrent.Make(
        "throughput.bin", options.PieceMiB << 20, [new DemoFile("throughput.bin", options.SizeMiB << 20, new DemoContent(7), true)]);

    private static IReadOnlyDictionary<string, string> Common { get; } = new Dictionary<string, string> { ["health-addr"] = "127.0.0.1:0" };

    public async Task<(RoleResult Source, RoleResult Destination)> RunAsync(int number)
    {
        var run = Directory.CreateDirectory(Path.Combine(folder, $"run-{number}")).FullName;
        try
        {
            return options.RealClients ? await BetweenRealClientsAsync(run) : await BetweenFoldersAsync(run);
        }
        finally
        {
            Directory.Delete(run, recursive: true);
        }
    }

    private async Task<(RoleResult Source, RoleResult Destination)> BetweenFoldersAsync(string run)
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

    private async Task<(RoleResult Source, RoleResult Destination)> BetweenRealClientsAsync(string run)
    {
        var executable = QBittorrentProcesses.FindExecutable() ?? throw new InvalidOperationException("qbittorrent-nox is not on the path.");
        await using var stage = new QBittorrentStage(run, executable, NullLoggerFactory.Instance, TimeProvider.System);
        await stage.PrepareAsync([_torrent], null, CancellationToken.None);
        return await RunRolesAsync(run, stage.SourceOptions, stage.DestinationOptions);
    }

    private async Task<(RoleResult Source, RoleResult Destination)> RunRolesAsync(
        string run, IReadOnlyDictionary<string, string> source, IReadOnlyDictionary<string, string> destination)
    {
        using var receiver = Start(Roles.Destination, [.. destination, .. Common, new("state-dir", Path.Combine(run, "destination-state")), new("listen", "127.0.0.1:0"), new("min-free", "0")]);
        var address = await receiver.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The destination did not start.");
        using var sender = Start(Roles.Source, [.. source, .. Common, new("state-dir", Path.Combine(run, "source-state")), new("destination-addr", address)]);
        var sent = await ReadResultAsync(sender);
        receiver.StandardInput.Close();
        var received = await ReadResultAsync(receiver);
        return (sent, received);
    }

    private static Process Start(Roles role, IEnumerable<KeyValuePair<string, string>> settings)
    {
        // Later values win: what the run says stands above what the stage says.
        var last = settings.GroupBy(setting => setting.Key).Select(group => group.Last());
        var start = new ProcessStartInfo("dotnet", [typeof(Measurement).Assembly.Location, RoleProcess.Verb, role.ToString(), .. last.SelectMany(setting => new[] { setting.Key, setting.Value })])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        return Process.Start(start)!;
    }

    private static async Task<RoleResult> ReadResultAsync(Process process)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(RoleResult.Prefix, StringComparison.Ordinal))
            {
                await process.WaitForExitAsync();
                return RoleResult.FromLine(line);
            }
        }

        throw new InvalidOperationException("A role's process ended without a result.");
    }
}
