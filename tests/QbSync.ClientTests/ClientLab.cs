using System.Security.Cryptography;
using Prometheus;
using QbSync.Host.Commands.Demo;
using QbSync.Ports;
using QbSync.QBittorrent;
using QbSync.Testing.Metrics;
using QbSync.Testing.Processes;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>Real qBittorrents and our real executables on loopback, for one test. Everything is ended by process id.</summary>
internal sealed class ClientLab : IAsyncDisposable
{
    private readonly TempDirectory _folder;
    private readonly QBittorrentProcesses _processes, _others;
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly List<CollectorRegistry> _registries = [];
    private readonly int _listen = FreePorts.Take();

    private ClientLab(
        TempDirectory folder, QBittorrentProcesses processes, QBittorrentProcesses others, QBittorrentInstance source, QBittorrentInstance destination)
    {
        _folder = folder;
        _processes = processes;
        _others = others;
        Source = source;
        Destination = destination;
        SourceClient = Connect(source);
        DestinationClient = Connect(destination);
    }

    public QBittorrentInstance Source { get; private set; }

    public QBittorrentInstance Destination { get; private set; }

    public QBittorrentTorrentClient SourceClient { get; }

    public QBittorrentTorrentClient DestinationClient { get; }

    public int SourceHealth { get; } = FreePorts.Take();

    public int DestinationHealth { get; } = FreePorts.Take();

    /// <summary>Last words of clients that ended though nobody had told them to.</summary>
    private IEnumerable<string> Ends => _processes.UnaskedEnds.Concat(_others.UnaskedEnds);

    /// <summary>Where the destination keeps what it knows of each torrent.</summary>
    public string DestinationSessions => _folder["destination-state", "torrents"];

    /// <summary>Starts the two clients; the test is ignored where there is no qBittorrent.</summary>
    /// <param name="makeSourceSettings">Further session settings of the source's client, from its save path.</param>
    public static async Task<ClientLab> StartAsync(Func<string, Dictionary<string, string>>? makeSourceSettings = null)
    {
        var executable = QBittorrentProcesses.FindExecutable();
        if (executable is null)
        {
            Assert.Ignore("qbittorrent-nox is not installed.");
        }

        var folder = new TempDirectory();
        var processes = new QBittorrentProcesses(executable!, TimeProvider.System, FreePorts.Take);
        var settings = makeSourceSettings?.Invoke(folder["source", "downloads"]);
        return new ClientLab(
            folder, processes, processes, await StartClientAsync(folder, processes, "source", session: settings), await StartClientAsync(folder, processes, "destination"));
    }

    /// <summary>Starts two clients of different versions.</summary>
    public static async Task<ClientLab> StartAsync(string sourceExecutable, string destinationExecutable)
    {
        var folder = new TempDirectory();
        var processes = new QBittorrentProcesses(sourceExecutable, TimeProvider.System, FreePorts.Take);
        var others = new QBittorrentProcesses(destinationExecutable, TimeProvider.System, FreePorts.Take);
        return new ClientLab(
            folder, processes, others, await StartClientAsync(folder, processes, "source"), await StartClientAsync(folder, others, "destination"));
    }

    public Task<QBittorrentInstance> StartClientAsync(string name) => StartClientAsync(_folder, _processes, name);

    /// <summary>Kills the source's client as a power cut would, and starts it again at the same address with what it had saved.</summary>
    public async Task RestartSourceClientAsync()
    {
        await Source.KillAsync(CancellationToken.None);
        Source = await StartClientAsync(_folder, _processes, "source", Source.Url.Port);
    }

    /// <summary>The same with the destination's.</summary>
    public async Task RestartDestinationClientAsync()
    {
        await Destination.KillAsync(CancellationToken.None);
        Destination = await StartClientAsync(_folder, _others, "destination", Destination.Url.Port);
    }

    public QBittorrentTorrentClient Connect(QBittorrentInstance instance)
    {
        var registry = Metrics.NewCustomRegistry();
        _registries.Add(registry);
        var client = new QBittorrentTorrentClient(
            new QBittorrentOptions { Url = instance.Url, Username = instance.Username, Password = instance.Password },
            Metrics.WithCustomRegistry(registry),
            registry,
            "source",
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
            TimeProvider.System,
            new Random(1));
        _owned.Add(client);
        return client;
    }

    /// <summary>Adds a torrent whose content lies in the client's folder already, as if it had been downloaded, and lets it seed.</summary>
    public static async Task<ClientTorrentId> SeedAsync(QBittorrentInstance instance, ITorrentClient client, BuiltTorrent torrent, string category = "", params string[] tags)
    {
        torrent.WriteContent(instance.SavePath);
        return await AddAsync(instance, client, torrent, skipCheck: true, category, tags);
    }

    public static async Task<ClientTorrentId> AddAsync(
        QBittorrentInstance instance, ITorrentClient client, BuiltTorrent torrent, bool skipCheck, string category = "", params string[] tags)
    {
        if (category.Length > 0)
        {
            await client.EnsureCategoryAsync(category, CancellationToken.None);
        }

        await client.AddAsync(
            new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = instance.SavePath, SkipCheck = skipCheck, Category = category, Tags = tags }, CancellationToken.None);
        TorrentStatus? status = null;
        await Eventually.BecomesTrueAsync(
            async () => (status = await client.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None)) is { } found && !found.State.IsChecking(),
            expression: $"{torrent.Name} is listed");
        await client.StartAsync([status!.Id], force: true, CancellationToken.None);
        return status.Id;
    }

    public QbSyncProcess StartSource(params string[] more) => Start(
        [
            "source", "--data", Source.SavePath, "--state-dir", _folder["source-state"], "--qb-url", Source.Url.ToString(), "--qb-username", Source.Username,
            .. more.Contains("--qb-password") ? [] : new[] { "--qb-password", Source.Password }, "--destination-addr", $"127.0.0.1:{_listen}", "--security", "insecure", "--health-addr", $"127.0.0.1:{SourceHealth}",
            .. more.Contains("--min-space") ? [] : new[] { "--min-space", "0" }, "--qb-torrents-dir", Path.Combine(_folder["source"], "qBittorrent", "data", "BT_backup"), .. more,
        ]);

    public QbSyncProcess StartDestination(params string[] more) => Start(
        [
            "destination", "--data", Destination.SavePath, "--state-dir", _folder["destination-state"], "--qb-url", Destination.Url.ToString(),
            "--qb-username", Destination.Username, "--qb-password", Destination.Password, "--listen", $"127.0.0.1:{_listen}", "--security", "insecure",
            "--health-addr", $"127.0.0.1:{DestinationHealth}", .. more.Contains("--min-free") ? [] : new[] { "--min-free", "0" }, .. more,
        ]);

    /// <summary>Waits until every torrent is tagged as synced at both clients.</summary>
    public async Task AllSyncedAsync(IReadOnlyList<BuiltTorrent> torrents)
    {
        try
        {
            await Eventually.BecomesTrueAsync(AreAllSyncedAsync, expression: "every torrent has the tag synced on both sides");
        }
        catch (TimeoutException late)
        {
            var said = _owned.OfType<QbSyncProcess>().Select(static process => string.Join('\n', process.Output.Split('\n').TakeLast(60)));
            Assert.Fail($"{late.Message}\n{string.Join("\n---\n", [.. Ends, .. said])}");
        }

        async Task<bool> AreAllSyncedAsync()
        {
            foreach (var torrent in torrents)
            {
                var there = await DestinationClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
                var here = await SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
                if (there?.Tags.Contains("synced") != true || here?.Tags.Contains("synced") != true)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>What is to hold after a sync: files equal by SHA-256, the destination's client at 100 % and stopped, the source's still seeding.</summary>
    public async Task AssertSyncedAsync(BuiltTorrent torrent)
    {
        foreach (var file in torrent.Files)
        {
            var (here, there) = (Path.Combine(Source.SavePath, file.RelativePath), Path.Combine(Destination.SavePath, file.RelativePath));
            Assert.That(File.Exists(there), Is.True, there);
            Assert.That(await HashAsync(there), Is.EqualTo(await HashAsync(here)), there);
        }

        var destination = await DestinationClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
        var source = await SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
        Assert.Multiple(() =>
        {
            Assert.That(destination!.State, Is.EqualTo(ClientTorrentState.StoppedUp), torrent.Name);
            Assert.That(destination.Progress, Is.EqualTo(1.0), torrent.Name);
            Assert.That(destination.AmountLeft, Is.Zero, torrent.Name);
            Assert.That(destination.Category, Is.EqualTo(source!.Category), torrent.Name);
            Assert.That(destination.Tags, Is.SupersetOf(source.Tags), torrent.Name);
            Assert.That(source.State.IsActive() && source.IsComplete, Is.True, $"{torrent.Name} is {source.RawState} at the source");
        });
    }

    public void AssertNothingLeftOver() =>
        Assert.That(
            Directory.EnumerateFiles(Destination.SavePath, "*", SearchOption.AllDirectories)
                .Where(path => path.EndsWith(".qbsync-part", StringComparison.Ordinal) || path.EndsWith(".!qB", StringComparison.Ordinal)),
            Is.Empty);

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in Enumerable.Reverse(_owned))
        {
            await owned.DisposeAsync();
        }

        await MetricLaws.VerifyAsync(_registries);
        await _processes.DisposeAsync();
        await _others.DisposeAsync();
        _folder.Dispose();
        Assert.That(Ends, Is.Empty, "clients ended by themselves");
    }

    private static Task<QBittorrentInstance> StartClientAsync(TempDirectory folder, QBittorrentProcesses processes, string name, int? port = null, Dictionary<string, string>? session = null) =>
        processes.StartAsync(
            new QBittorrentInstanceOptions { Directory = folder[name], RequireLogin = true, Password = "correct horse", WebPort = port, Session = session ?? [] },
            CancellationToken.None);

    private QbSyncProcess Start(IReadOnlyList<string> arguments)
    {
        var process = QbSyncProcess.Start(arguments);
        _owned.Add(process);
        return process;
    }

    private static async Task<string> HashAsync(string path)
    {
        await using var input = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(input));
    }
}
