using System.Globalization;
using System.Text.Json;
using QbSync.Testing.Machine;
using QbSync.Testing.Processes;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>A source and a destination as the processes that people run, with folder clients, over loopback.</summary>
internal sealed class TwoProcesses : IAsyncDisposable
{
    private static readonly TimeSpan SyncTimeout = TimeSpan.FromMinutes(2);
    private readonly TempDirectory _source = new();
    private readonly string _data;
    private readonly string _security;
    private readonly string _state;
    private readonly string _torrents;
    private readonly int _port = FreePorts.Take();
    private readonly Dictionary<BuiltTorrent, HashSet<int>> _unwanted = [];

    /// <param name="data">Data folder of the destination.</param>
    /// <param name="own">Where its state and its client's torrents go.</param>
    /// <param name="isPaired">Whether they trust only whom they were paired with, which is for the test to do.</param>
    public TwoProcesses(string data, string own, bool isPaired = false)
    {
        (_data, _security) = (data, isPaired ? "paired" : "insecure");
        (_state, _torrents) = (Path.Combine(own, "state"), Path.Combine(own, "torrents"));
        foreach (var folder in (string[])[_data, _torrents, _source["data"], _source["torrents"]])
        {
            Directory.CreateDirectory(folder);
        }
    }

    public string Address => $"127.0.0.1:{_port}";

    /// <summary>All that the source has on its disk.</summary>
    public string SourceFolder => _source.Path;

    public string SourceState => _source["state"];

    public string DestinationState => _state;

    public QbSyncProcess? Destination { get; private set; }

    public QbSyncProcess? Source { get; private set; }

    /// <summary>Lines of the destinations so far that say "error".</summary>
    public List<string> Errors { get; } = [];

    /// <summary>Several torrents of 20 MB together: one file, many files with shared pieces, and one for a partial selection.</summary>
    public static IReadOnlyList<BuiltTorrent> MakeTorrents(int seed, int set = 0)
    {
        var many = new TorrentBuilder($"many {set}") { PieceLength = 64 * 1024, Seed = seed };
        for (var i = 0; i < 40; i++)
        {
            many.AddFile($"folder {i % 4}/{i:d2}.bin", 150_000 + (i * 7_001));
        }

        many.AddFile("empty", 0);
        var part = new TorrentBuilder($"part {set}") { PieceLength = 32 * 1024, Seed = seed + 1 };
        for (var i = 0; i < 12; i++)
        {
            part.AddFile($"{i:d2}.bin", 200_003 + (i * 10_007));
        }

        return
        [
            new TorrentBuilder($"single {set}.bin") { PieceLength = 128 * 1024, Length = 6_000_001, Seed = seed + 2 }.Build(),
            many.Build(),
            part.Build(),
        ];
    }

    /// <summary>Gives a torrent and its content to the source.</summary>
    public void Add(BuiltTorrent torrent, params int[] unwanted)
    {
        _unwanted[torrent] = [.. unwanted];
        torrent.WriteContent(_source["data"]);
        if (unwanted.Length > 0)
        {
            File.WriteAllText(
                _source["torrents", $"{torrent.Id}.state.json"],
                JsonSerializer.Serialize(new { version = 1, savePath = _source["data"], checking = true, unwanted }));
        }

        torrent.WriteTorrent(_source["torrents"]);
    }

    /// <summary>The same, with tags of the user.</summary>
    public void AddTagged(BuiltTorrent torrent, params string[] tags)
    {
        File.WriteAllText(
            _source["torrents", $"{torrent.Id}.state.json"],
            JsonSerializer.Serialize(new { version = 1, savePath = _source["data"], checking = true, tags }));
        Add(torrent);
    }

    /// <summary>The user removes a torrent from the source's client; its content stays.</summary>
    public void Remove(BuiltTorrent torrent) => File.Delete(_source["torrents", $"{torrent.Id}.torrent"]);

    /// <summary>What the source's client has written down of each torrent.</summary>
    public IReadOnlyList<string> ListSourceRecords() => [.. Directory.GetFiles(_source["torrents"], "*.state.json").Select(TryRead)];

    /// <param name="more">Options besides the usual ones.</param>
    public void StartDestination(params string[] more) => Destination = QbSyncProcess.Start(
    [
        "destination", "--data", _data, "--client", "folder", "--client-dir", _torrents, "--state-dir", _state, "--security", _security,
        "--health-addr", "", "--listen", $"127.0.0.1:{_port}", "--min-free", "0", "--poll-interval", "200ms",
        .. more,
    ]);

    /// <summary>What a command has to know to look as the source does.</summary>
    public IReadOnlyList<string> SourceOptions =>
    [
        "--data", _source["data"], "--client", "folder", "--client-dir", _source["torrents"], "--state-dir", _source["state"], "--security", _security,
        "--destination-addr", $"127.0.0.1:{_port}", "--min-space", "0",
    ];

    /// <summary>A source that says what it would do with every reason to do it: space is short, drains are allowed.</summary>
    public void StartDrySource(int health) => Source = QbSyncProcess.Start(
    [
        "source", "--data", _source["data"], "--client", "folder", "--client-dir", _source["torrents"], "--state-dir", _source["state"], "--security", _security,
        "--health-addr", $"127.0.0.1:{health}", "--destination-addr", $"127.0.0.1:{_port}", "--sleep", "1s", "--dry-run",
        "--min-space", "1000TiB", "--min-seeding-time", "0s", "--drain", "always", "--exclude-sync-tag", "no-sync",
    ]);

    /// <param name="bytesPerSecond">0 for no limit.</param>
    /// <param name="healthPort">Where it reports; 0 for nowhere.</param>
    /// <param name="drain">Whether it drains when it is told to stop.</param>
    /// <param name="minSeedingTime">How long a torrent has to seed before it may go.</param>
    /// <param name="way">Where it finds the destination; null for there.</param>
    /// <param name="more">Options besides the usual ones.</param>
    public void StartSource(
        long bytesPerSecond = 0, int healthPort = 0, string drain = "never", string minSeedingTime = "1h", string? way = null, params string[] more) => Source = QbSyncProcess.Start(
    [
        "source", "--data", _source["data"], "--client", "folder", "--client-dir", _source["torrents"], "--state-dir", _source["state"], "--security", _security,
        "--health-addr", healthPort == 0 ? "" : $"127.0.0.1:{healthPort}", "--drain", drain, "--destination-addr", way ?? Address, "--rate-limit", bytesPerSecond.ToString(CultureInfo.InvariantCulture),
        "--reconnect-max-delay", "1s", "--sleep", "1s", "--qb-poll-interval", "200ms", "--min-space", "0", "--min-seeding-time", minSeedingTime,
        .. more,
    ]);

    /// <summary>Ends the destination as <c>kill -9</c> does.</summary>
    public async Task KillDestinationAsync()
    {
        Errors.AddRange(Destination!.Output.Split('\n').Where(static line => line.Contains("Z error ", StringComparison.Ordinal)));
        await Destination.KillAsync();
        await Destination.DisposeAsync();
        Destination = null;
    }

    public async Task StopSourceAsync()
    {
        Assert.That(await Source!.TerminateAsync(), Is.Zero, Source.Output);
        await Source.DisposeAsync();
        Source = null;
    }

    /// <summary>Whether the destination's client has every torrent as synced.</summary>
    public bool AreAllSynced() => _unwanted.Keys.All(torrent =>
        File.Exists(Path.Combine(_torrents, $"{torrent.Id}.torrent")) && TryRead(Path.Combine(_torrents, $"{torrent.Id}.state.json")).Contains("\"synced\"", StringComparison.Ordinal));

    public async Task WaitUntilAllAreSyncedAsync()
    {
        try
        {
            await Eventually.BecomesTrueAsync(() => AreAllSynced() || Destination!.HasExited, SyncTimeout);
            Assert.That(Destination!.HasExited, Is.False, () => $"The destination ended:{Environment.NewLine}{Tail(Destination)}");
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Not all synced.{Environment.NewLine}Source:{Environment.NewLine}{Tail(Source)}{Environment.NewLine}Destination:{Environment.NewLine}{Tail(Destination)}");
        }
    }

    /// <summary>Every selected file is equal, the others are absent, and nothing unfinished is left.</summary>
    public void AssertAllIsEqual()
    {
        foreach (var (torrent, unwanted) in _unwanted)
        {
            Assert.That(torrent.FindDifference(_data, file => !unwanted.Contains(torrent.Files.ToList().IndexOf(file))), Is.Null);
            foreach (var index in unwanted)
            {
                Assert.That(File.Exists(Path.Combine(_data, torrent.Files[index].RelativePath)), Is.False, "a file that nobody selected");
            }
        }

        Assert.That(ListPartials(), Is.Empty);
    }

    public string[] ListPartials() => Directory.GetFiles(
        _data, "*.qbsync-part", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None });

    public async ValueTask DisposeAsync()
    {
        foreach (var process in (QbSyncProcess?[])[Source, Destination])
        {
            if (process is not null)
            {
                await process.DisposeAsync();
            }
        }

        _source.Dispose();
    }

    private static string Tail(QbSyncProcess? process) => string.Join(Environment.NewLine, (process?.Output ?? "").Split('\n').TakeLast(80));

    private static string TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
