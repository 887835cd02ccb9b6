using QbSync.Host.Commands.Demo;
using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>
/// A whole sync between clients of different versions, old to new and back. The versions are those at hand: the machine's own and what
/// <c>tests/clients/get-client.sh</c> has fetched; <c>./test.sh --long</c> fetches all and says which cannot be had.
/// </summary>
[Category("Long")]
internal sealed class VersionsTests
{
    private const string Own = "own";
    private static readonly string[] Suites = ["bullseye", Own, "trixie", "sid"];

    /// <summary>Each version with its neighbours, and the oldest with the newest; both ways.</summary>
    private static IEnumerable<TestCaseData> Pairs()
    {
        var known = Suites.Where(static suite => Executable(suite) is not null).ToList();
        for (var i = 1; i < known.Count; i++)
        {
            yield return new(known[i - 1], known[i]);
            yield return new(known[i], known[i - 1]);
        }

        if (known.Count > 2)
        {
            yield return new(known[0], known[^1]);
            yield return new(known[^1], known[0]);
        }
    }

    [TestCaseSource(nameof(Pairs)), CancelAfter(180_000)]
    [SourceCase(33)]
    public async Task Sync_BetweenVersions_EqualVerifiedAndTaggedOnBothSides(string source, string destination)
    {
        await using var lab = await ClientLab.StartAsync(Executable(source)!, Executable(destination)!);
        var torrents = new List<BuiltTorrent>
        {
            new TorrentBuilder("single.bin") { Length = 6 * (1 << 20) + 17, Seed = 41, IsPrivate = true }.Build(),
            new TorrentBuilder("mäny files ☃") { Seed = 42 }.AddFile("a.bin", 700_001).AddFile("folder/b.bin", 1_200_000).AddFile("empty.nfo", 0).Build(),
        };

        // What libtorrent 1.2 keeps of a hybrid has no piece layers any more, and it refuses a torrent that has no v1 hash.
        if (source != "bullseye")
        {
            torrents.Add(new TorrentBuilder("hybrid") { Seed = 43, Version = TorrentVersion.Hybrid }.AddFile("one.bin", 900_007).AddFile("two.bin", 100_000).Build());
        }

        if (source != "bullseye" && destination != "bullseye")
        {
            // Of two files: one alone in a folder libtorrent takes for a torrent of a single file.
            torrents.Add(new TorrentBuilder("v2 only") { Seed = 44, Version = TorrentVersion.V2 }.AddFile("one.bin", 900_007).AddFile("two.bin", 100_000).Build());
        }

        foreach (var torrent in torrents)
        {
            await ClientLab.SeedAsync(lab.Source, lab.SourceClient, torrent, category: "tv", "mine");
        }

        lab.StartDestination();
        lab.StartSource();
        await lab.AllSyncedAsync(torrents);

        foreach (var torrent in torrents)
        {
            await lab.AssertSyncedAsync(torrent);
        }

        lab.AssertNothingLeftOver();
    }

    [Test, CancelAfter(180_000), SourceCase(42)]
    public async Task V2Only_ToAClientThatDoesNotKnowIt_FailsAndLeavesNothingWrong()
    {
        if (Executable("bullseye") is not { } old)
        {
            return;
        }

        await using var lab = await ClientLab.StartAsync(Executable(Own)!, old);
        var torrent = new TorrentBuilder("v2 to old") { Seed = 45, Version = TorrentVersion.V2 }.AddFile("one.bin", 900_007).AddFile("two.bin", 100_000).Build();
        await ClientLab.SeedAsync(lab.Source, lab.SourceClient, torrent);
        lab.StartDestination();
        var source = lab.StartSource();
        await Eventually.BecomesTrueAsync(() => source.Output.Contains("Unsupported", StringComparison.Ordinal), expression: "the source says why");
        var here = await lab.SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
        Assert.That(here!.Tags, Does.Not.Contain("synced"));
        Assert.That(here.IsActive, Is.True);
        Assert.That(Directory.EnumerateFiles(lab.Destination.SavePath, "*.bin", SearchOption.AllDirectories), Is.Empty);
    }

    private static string? Executable(string suite)
    {
        if (suite == Own)
        {
            return QBittorrentProcesses.FindExecutable();
        }

        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named
            ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var run = Path.Combine(cache, "qbsync", "clients", suite, "run");
        return File.Exists(run) ? run : null;
    }
}
