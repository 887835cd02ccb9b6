using QbSync.Ports;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.ClientTests;

/// <summary>What happens to torrents and programs in the middle of the main job.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.Children)]
internal sealed class LifeTests
{
    private const int MiB = 1 << 20;

    [Test]
    [DestinationCase(117)]
    [SourceCase(112)]
    public async Task RemovedAtTheSource_MidStream_IsGoneAtTheDestination_AndOthersGoOn()
    {
        await using var lab = await ClientLab.StartAsync();
        var removed = new TorrentBuilder("removed") { Seed = 81 }.AddFile("big.bin", 100 * MiB).AddFile("more.bin", 100 * MiB).Build();
        var stays = new TorrentBuilder("stays.bin") { Length = 4 * MiB, Seed = 82 }.Build();
        var id = await ClientLab.SeedAsync(lab.Source, lab.SourceClient, removed);
        lab.StartDestination();

        // It would take minutes, so it is on its way when it is removed, however long that takes the clients.
        lab.StartSource("--rate-limit", "1MiB/s");
        await Eventually.BecomesTrueAsync(() => Unfinished(lab, removed).Any(), expression: "the destination receives it");
        await ClientLab.SeedAsync(lab.Source, lab.SourceClient, stays);
        await lab.Source.PostAsync(
            "torrents/delete", new Dictionary<string, string> { ["hashes"] = id.Value, ["deleteFiles"] = "false" }, CancellationToken.None);

        await Eventually.BecomesTrueAsync(
            () => !Unfinished(lab, removed).Any() && !Directory.Exists(Path.Combine(lab.DestinationSessions, removed.Id.ToString())),
            expression: "no session and no partial of it is left");
        Assert.That(await lab.DestinationClient.FindAsync(removed.Manifest.V1, removed.Manifest.V2, CancellationToken.None), Is.Null);
        await lab.AllSyncedAsync([stays]);
        await lab.AssertSyncedAsync(stays);
        lab.AssertNothingLeftOver();
    }

    [Test]
    [DestinationCase(128)]
    public async Task StartedDuringTheDownload_WithATempPath_EqualTreesAndNothingUnfinished()
    {
        await using var lab = await ClientLab.StartAsync(static savePath => new()
        {
            ["Session\\TempPathEnabled"] = "true",
            ["Session\\TempPath"] = Path.Combine(savePath, "unfinished"),
            ["Session\\AddExtensionToIncompleteFiles"] = "true",
        });
        var many = new TorrentBuilder("eighteen") { Seed = 83, PieceLength = 128 * 1024 };
        for (var i = 0; i < 18; i++)
        {
            many.AddFile($"part {i % 3}/file {i:00}.bin", (i * 211_000) + 7);
        }

        BuiltTorrent[] torrents =
        [
            many.Build(),
            new TorrentBuilder("three") { Seed = 84, PieceLength = 256 * 1024 }.AddFile("a.mkv", 18 * MiB + 1).AddFile("a.srt", 40_000).AddFile("b.mkv", 9 * MiB).Build(),
        ];
        var seeder = await lab.StartClientAsync("seeder");
        foreach (var torrent in torrents)
        {
            await ClientLab.SeedAsync(seeder, lab.Connect(seeder), torrent);
            await DownloadAsync(lab, torrent, seeder, 5 * MiB);
        }

        await Eventually.BecomesTrueAsync(
            async () => (await lab.SourceClient.FindAsync(torrents[1].Manifest.V1, torrents[1].Manifest.V2, CancellationToken.None))!.Progress > 0.05,
            expression: "the download has begun");
        lab.StartDestination();
        lab.StartSource();
        await lab.AllSyncedAsync(torrents);
        foreach (var torrent in torrents)
        {
            await lab.AssertSyncedAsync(torrent);
            Assert.That(torrent.FindDifference(lab.Destination.SavePath), Is.Null);
        }

        lab.AssertNothingLeftOver();
    }

    [TestCase("destination", false)]
    [TestCase("destination's client", false)]
    [TestCase("source", false)]
    [TestCase("source's client", false)]
    [TestCase("destination", true, Category = "Long")]
    [TestCase("source", true, Category = "Long")]
    [DestinationCase(129)]
    [SourceCase(126)]
    public async Task OneOfFour_RestartedAtATenthAndAtAHalf_FinishesAndSendsHardlyAnythingTwice(string who, bool isMeasured)
    {
        await using var lab = await ClientLab.StartAsync();
        var torrent = new TorrentBuilder("restarts.bin") { Length = 128 * MiB, PieceLength = 128 * 1024, Seed = 85 }.Build();
        await ClientLab.SeedAsync(lab.Source, lab.SourceClient, torrent);
        var destination = lab.StartDestination();
        var source = lab.StartSource("--rate-limit", "16MiB/s");
        var (earlier, again) = (0.0, 0.0);
        foreach (var part in (double[])[0.1, 0.5])
        {
            await Eventually.BecomesTrueAsync(
                async () => await ReadAsync("bytes") >= part * torrent.Manifest.ContentLength, expression: $"{part:P0} has crossed");
            var acknowledged = await ReadAcknowledgedAsync();
            switch (who)
            {
                case "destination":
                    Assert.That(await destination.TerminateAsync(), Is.Zero, destination.Output);
                    var last = await ReadAcknowledgedAsync();
                    destination = lab.StartDestination();
                    await GoesOnAsync(last);
                    again += await ReadAsync("pieces") - acknowledged;
                    break;
                case "destination's client":
                    await lab.RestartDestinationClientAsync();
                    break;
                case "source":
                    Assert.That(await source.TerminateAsync(), Is.Zero, source.Output);
                    earlier = acknowledged;
                    source = lab.StartSource("--rate-limit", "16MiB/s");
                    await GoesOnAsync(acknowledged);
                    again += await ReadAsync("pieces") - acknowledged;
                    break;
                default:
                    await lab.RestartSourceClientAsync();
                    break;
            }
        }

        await lab.AllSyncedAsync([torrent]);
        await lab.AssertSyncedAsync(torrent);
        lab.AssertNothingLeftOver();
        var (bytes, pieces) = (await ReadAsync("bytes") / torrent.Manifest.ContentLength, await ReadAsync("pieces"));
        TestContext.Out.WriteLine($"{bytes:P1} of the bytes crossed; {pieces} pieces of {torrent.Manifest.PieceCount}");

        // What was on its way when one side ended crosses once more: how much that is, a busy machine decides. What was acknowledged never does.
        Assert.That(pieces, Is.InRange(torrent.Manifest.PieceCount, torrent.Manifest.PieceCount + again));
        if (isMeasured)
        {
            Assert.That(bytes, Is.InRange(1.0, 1.02));
        }

        // Counted by the program that is not restarted.
        async Task<double> ReadAsync(string what) => who == "source"
            ? (await Scrape.TryReadAsync(lab.DestinationHealth))?.Sum($"qbsync_{what}_received_total") ?? 0
            : (await Scrape.TryReadAsync(lab.SourceHealth))?.Sum($"qbsync_{what}_sent_total") ?? 0;

        async Task<double> ReadAcknowledgedAsync() => earlier + ((await Scrape.TryReadAsync(lab.SourceHealth))?.Sum("qbsync_pieces_acked_total") ?? 0);

        Task GoesOnAsync(double acknowledged) => Eventually.BecomesTrueAsync(async () => await ReadAcknowledgedAsync() > acknowledged
            || (await lab.SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None))!.Tags.Contains("synced"));
    }

    [Test]
    [DestinationCase(130)]
    public async Task PartialSelectionBeforeTheDownload_WithARestart_HasTheSelectedFilesOnly()
    {
        await using var lab = await ClientLab.StartAsync();
        var torrent = new TorrentBuilder("chosen") { Seed = 86, PieceLength = 128 * 1024 }
            .AddFile("keep/one.bin", 9 * MiB + 5).AddFile("skip/two.bin", 9 * MiB).AddFile("keep/three.bin", 12 * MiB + 1).AddFile("skip/four.bin", 3 * MiB).Build();
        var seeder = await lab.StartClientAsync("seeder");
        await ClientLab.SeedAsync(seeder, lab.Connect(seeder), torrent);
        await DownloadAsync(lab, torrent, seeder, 4 * MiB, static path => path.Contains("skip/", StringComparison.Ordinal));
        var destination = lab.StartDestination();
        lab.StartSource();
        await Eventually.BecomesTrueAsync(
            async () => (await Scrape.TryReadAsync(lab.SourceHealth))?.Sum("qbsync_pieces_acked_total") > 30, expression: "some pieces are there");
        Assert.That(await destination.TerminateAsync(), Is.Zero, destination.Output);
        lab.StartDestination();
        await lab.AllSyncedAsync([torrent]);

        static bool IsKept(BuiltFile file) => file.Path[1] == "keep";
        var there = await lab.DestinationClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
        var here = await lab.SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None);
        var files = await lab.DestinationClient.GetFilesAsync(there!.Id, CancellationToken.None);
        Assert.Multiple(() =>
        {
            Assert.That(torrent.FindDifference(lab.Destination.SavePath, IsKept), Is.Null);
            Assert.That(torrent.Files.Where(static file => !IsKept(file)).Any(file => File.Exists(Path.Combine(lab.Destination.SavePath, file.RelativePath))), Is.False);
            Assert.That(files.Where(static file => file.Selected).Select(static file => file.Path), Is.EquivalentTo(new[] { "chosen/keep/one.bin", "chosen/keep/three.bin" }));
            Assert.That((there.State, there.Progress, there.AmountLeft), Is.EqualTo((ClientTorrentState.StoppedUp, 1.0, 0L)));
            Assert.That(here!.State.IsActive(), Is.True, here.RawState);
        });
        lab.AssertNothingLeftOver();
    }

    /// <summary>Adds it stopped, deselects what is not wanted, and lets it come from the seeder, not too fast.</summary>
    private static async Task DownloadAsync(ClientLab lab, BuiltTorrent torrent, Host.Commands.Demo.QBittorrentInstance seeder, int bytesPerSecond, Func<string, bool>? skip = null)
    {
        await lab.SourceClient.AddAsync(new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = lab.Source.SavePath }, CancellationToken.None);
        Torrents.TorrentStatus? status = null;
        await Eventually.BecomesTrueAsync(
            async () => (status = await lab.SourceClient.FindAsync(torrent.Manifest.V1, torrent.Manifest.V2, CancellationToken.None)) is { } found && !found.State.IsChecking(),
            expression: $"{torrent.Name} is listed");
        if (skip is not null)
        {
            var files = await lab.SourceClient.GetFilesAsync(status!.Id, CancellationToken.None);
            await lab.SourceClient.SelectAsync(status.Id, [.. files.Where(file => skip(file.Path)).Select(static file => file.Index)], wanted: false, CancellationToken.None);
        }

        await Person.LimitAsync(lab.Source, status!.Id, bytesPerSecond);
        await lab.SourceClient.StartAsync([status.Id], force: true, CancellationToken.None);
        await Person.MeetAsync(lab.Source, lab.SourceClient, status.Id, seeder);
    }

    private static IEnumerable<string> Unfinished(ClientLab lab, BuiltTorrent torrent) =>
        Directory.EnumerateFiles(lab.Destination.SavePath, $".{torrent.Id.ToString()[..16]}-*.qbsync-part", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 });
}
