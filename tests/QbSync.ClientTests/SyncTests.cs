using QbSync.Ports;
using QbSync.Testing.Processes;

namespace QbSync.ClientTests;

/// <summary>The main job between two real clients, by our two executables.</summary>
[Category("Real")]
[Parallelizable(ParallelScope.Children)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SyncTests
{
    private const int MiB = 1 << 20;
    private ClientLab _lab = null!;

    [SetUp]
    public async Task SetUp() => _lab = await ClientLab.StartAsync();

    [TearDown]
    public async Task TearDown()
    {
        if (_lab is not null)
        {
            await _lab.DisposeAsync();
        }
    }

    [Test]
    public async Task Sync_EveryKindOfTorrent_EqualVerifiedAndTaggedOnBothSides()
    {
        BuiltTorrent[] torrents =
        [
            new TorrentBuilder("single.bin") { Length = 20 * MiB + 17, Seed = 1 }.Build(),
            new TorrentBuilder("many files") { Seed = 2 }.AddFile("a.bin", 3 * MiB + 1).AddFile("folder/b.bin", 700_001).AddFile("folder/deep/c.bin", 99).Build(),
            new TorrentBuilder("Ünïcödé – 日本語 ☃") { Seed = 3 }.AddFile("Fünf/ñandú.mkv", 2 * MiB).AddFile("日本/語.txt", 12_345).Build(),
            new TorrentBuilder("with empty files") { Seed = 4 }.AddFile("empty.nfo", 0).AddFile("x.bin", MiB + 3).AddFile("last/empty.txt", 0).Build(),
            new TorrentBuilder("hybrid") { Seed = 5, Version = TorrentVersion.Hybrid }.AddFile("one.bin", 5 * MiB + 7).AddFile("two.bin", 100_000).Build(),
            new TorrentBuilder("small pieces.bin") { Seed = 6, PieceLength = 16 * 1024, Length = 9 * MiB + 5 }.Build(),
            new TorrentBuilder("large pieces.bin") { Seed = 7, PieceLength = 8 * MiB, Length = 61 * MiB }.Build(),
        ];
        if (!(await _lab.SourceClient.DescribeAsync(refresh: false, CancellationToken.None)).Capabilities.ExportsManifests)
        {
            // What such a client keeps of a hybrid torrent lacks the piece layers.
            torrents = [.. torrents.Where(static torrent => torrent.Manifest.V2.Length == 0)];
        }

        foreach (var torrent in torrents)
        {
            await ClientLab.SeedAsync(_lab.Source, _lab.SourceClient, torrent, category: "tv", "mine");
        }

        var destination = _lab.StartDestination();
        var source = _lab.StartSource();
        await _lab.AllSyncedAsync(torrents);

        foreach (var torrent in torrents)
        {
            await _lab.AssertSyncedAsync(torrent);
        }

        _lab.AssertNothingLeftOver();
        var scrape = await Scrape.TryReadAsync(_lab.SourceHealth);
        var pieces = torrents.Sum(torrent => torrent.Manifest.PieceCount);
        Assert.That(scrape!.Sum("qbsync_pieces_sent_total"), Is.InRange(pieces, 1.02 * pieces));
        Assert.That(scrape.Sum("qbsync_torrents_synced_total", "mode=\"source\""), Is.EqualTo(torrents.Length));
        Assert.That(await source.TerminateAsync(), Is.Zero, source.Output);
        Assert.That(await destination.TerminateAsync(), Is.Zero, destination.Output);
    }

    [Test]
    public async Task Sync_WhileTheSourceStillDownloads_PiecesFlowBeforeItIsComplete()
    {
        var torrent = new TorrentBuilder("live.bin") { Length = 40 * MiB, PieceLength = 256 * 1024, Seed = 11, IsPrivate = true }.Build();
        var seeder = await _lab.StartClientAsync("seeder");
        await ClientLab.SeedAsync(seeder, _lab.Connect(seeder), torrent);
        var id = await ClientLab.AddAsync(_lab.Source, _lab.SourceClient, torrent, skipCheck: false);
        await Person.LimitAsync(_lab.Source, id, MiB / 4);
        _lab.StartDestination();
        _lab.StartSource();

        // However long the machine takes, the download begins after the two processes and is slow until pieces have flowed.
        await Eventually.BecomesTrueAsync(async () => await Scrape.TryReadAsync(_lab.SourceHealth) is not null);
        await Person.MeetAsync(_lab.Source, _lab.SourceClient, id, seeder);
        await PiecesAckedAsync(3);
        Assert.That((await _lab.SourceClient.GetAsync([id], CancellationToken.None))[0].Side, Is.EqualTo(TorrentSide.Downloading));
        await Person.LimitAsync(_lab.Source, id, 0);

        await _lab.AllSyncedAsync([torrent]);
        await _lab.AssertSyncedAsync(torrent);
        _lab.AssertNothingLeftOver();
        var scrape = await Scrape.TryReadAsync(_lab.SourceHealth);
        Assert.That(scrape!.Sum("qbsync_pieces_sent_total"), Is.InRange(torrent.Manifest.PieceCount, 1.02 * torrent.Manifest.PieceCount));
    }

    [Test]
    public async Task Sync_SourceKilledInMidTransfer_SendsOnlyWhatIsLacking()
    {
        var torrent = new TorrentBuilder("restarted.bin") { Length = 64 * MiB, PieceLength = MiB, Seed = 22 }.Build();
        await ClientLab.SeedAsync(_lab.Source, _lab.SourceClient, torrent);
        _lab.StartDestination();
        var first = _lab.StartSource("--rate-limit", "16MiB/s");
        await PiecesAckedAsync(20);
        await first.KillAsync();

        _lab.StartSource();
        await _lab.AllSyncedAsync([torrent]);

        await _lab.AssertSyncedAsync(torrent);
        _lab.AssertNothingLeftOver();
        var again = await Scrape.TryReadAsync(_lab.SourceHealth);
        Assert.That(again!.Sum("qbsync_pieces_sent_total"), Is.LessThanOrEqualTo(torrent.Manifest.PieceCount - 20));
    }

    [Test]
    public async Task Sync_BothClientsKilledInMidTransfer_WaitsForThemAndFailsNothing()
    {
        var torrent = new TorrentBuilder("clients away.bin") { Length = 64 * MiB, PieceLength = MiB, Seed = 23 }.Build();
        await ClientLab.SeedAsync(_lab.Source, _lab.SourceClient, torrent);

        _lab.StartDestination();
        _lab.StartSource("--rate-limit", "8MiB/s");
        await PiecesAckedAsync(10);
        await _lab.RestartSourceClientAsync();
        await _lab.RestartDestinationClientAsync();
        await _lab.AllSyncedAsync([torrent]);

        await _lab.AssertSyncedAsync(torrent);
        _lab.AssertNothingLeftOver();
        var scrape = await Scrape.TryReadAsync(_lab.SourceHealth);
        Assert.That(scrape!.Sum("qbsync_pieces_sent_total"), Is.EqualTo(torrent.Manifest.PieceCount));
        Assert.That(scrape.Sum("qbsync_sync_failed_total"), Is.Zero);
    }

    [Test]
    public async Task Sync_DestinationKilledInMidTransfer_GoesOnWhereItsBitsAre()
    {
        var torrent = new TorrentBuilder("interrupted.bin") { Length = 160 * MiB, PieceLength = MiB, Seed = 21 }.Build();
        await ClientLab.SeedAsync(_lab.Source, _lab.SourceClient, torrent);
        var first = _lab.StartDestination();
        _lab.StartSource("--rate-limit", "16MiB/s");
        await Eventually.BecomesTrueAsync(
            async () => (await Scrape.TryReadAsync(_lab.DestinationHealth))?.Sum("qbsync_state_flush_duration_seconds_count") > 0,
            expression: "some pieces are durable at the destination");
        await first.KillAsync();

        _lab.StartDestination();
        await _lab.AllSyncedAsync([torrent]);

        await _lab.AssertSyncedAsync(torrent);
        _lab.AssertNothingLeftOver();
        var scrape = await Scrape.TryReadAsync(_lab.DestinationHealth);
        Assert.That(scrape!.Sum("qbsync_pieces_received_total"), Is.LessThan(torrent.Manifest.PieceCount), "what was durable is not sent again");
    }

    private Task PiecesAckedAsync(int count) => Eventually.BecomesTrueAsync(
        async () => (await Scrape.TryReadAsync(_lab.SourceHealth))?.Sum("qbsync_pieces_acked_total") >= count, expression: $"{count} pieces are acknowledged");
}
