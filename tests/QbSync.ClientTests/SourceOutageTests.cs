using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>Clients and peers that go away under the source engine, one after another between the same two clients.</summary>
[Category("Real")]
internal sealed class SourceOutageTests
{
    private const int Piece = 64 * 1024;

    private EnginesLab _lab = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _lab = await EnginesLab.StartAsync();

    [TearDown]
    public void LookAtClients() => _lab.AssertClientsRun();

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_lab is not null)
        {
            await _lab.DisposeAsync();
        }
    }

    [Test]
    [SourceCase(65)]
    public async Task Neighbours_OnlyInThePartFile_ArriveWithTheirPieces_AndARestartThereChangesNothing()
    {
        var torrent = new TorrentBuilder("neighbours") { Seed = 601, PieceLength = Piece }
            .AddFile("a.bin", 300_001).AddFile("skipped.bin", 100_003).AddFile("b.bin", 300_000).AddFile("far away.bin", 600_000).Build();
        await _lab.DownloadAsync(torrent, 8 << 20, id => _lab.SelectAsync(id, wanted: false, "skipped.bin", "far away.bin"));
        await _lab.SyncedAsync(torrent);
        var skipped = torrent.Files.Where(static file => !IsWanted(file)).Select(static file => file.RelativePath).ToArray();
        Assert.That(skipped.Where(path => File.Exists(Path.Combine(_lab.Source.SavePath, path))), Is.Empty, "the bytes of the neighbours are in no file here");
        await AssertWholeAsync();

        await EnginesLab.ShutDownAsync(_lab.Destination);
        await _lab.StartDestinationClientAgainAsync();
        await _lab.Until(
            async () => await _lab.FindThereAsync(torrent) is { IsChecking: false, IsStopped: true, IsComplete: true }, null, torrent, "the client there has it again");
        await AssertWholeAsync();
        Assert.That(skipped.Where(path => File.Exists(Path.Combine(_lab.Destination.SavePath, path))), Is.Empty);

        async Task AssertWholeAsync()
        {
            await _lab.AssertSyncedAsync(torrent, "", IsWanted);
            var there = (await _lab.FindThereAsync(torrent))!;
            var has = await _lab.DestinationClient.GetPiecesAsync(there.Id, torrent.Manifest.PieceCount, CancellationToken.None);
            var layout = new PieceLayout(torrent.Manifest, Selection.Of(torrent.Manifest, static file => file.Path[^1] is "a.bin" or "b.bin"));
            Assert.That(Enumerable.Range(0, torrent.Manifest.PieceCount).Where(piece => layout.IsSelected(piece) && !has[piece]), Is.Empty);
            Assert.That((await EnginesLab.GetPropertiesAsync(_lab.Destination, there.Id)).GetProperty("total_downloaded").GetInt64(), Is.Zero);
        }

        static bool IsWanted(BuiltFile file) => file.Path[^1] is "a.bin" or "b.bin";
    }

    [Test]
    [SourceCase(114)]
    public async Task Removed_WhileTheDestinationIsAway_IsActiveAndTaggedThereOnItsReturn_AlsoOverOurRestart()
    {
        var torrent = new TorrentBuilder("removed meanwhile.bin") { Seed = 602, Length = 700_003 }.Build();
        var id = await _lab.SeedAsync(torrent);
        await _lab.SyncedAsync(torrent);
        await _lab.StopDestinationAsync();
        await Person.PostAsync(_lab.Source, "torrents/delete", ("hashes", id.Value), ("deleteFiles", "true"));
        await _lab.ReachesAsync(torrent, "Removing");
        await _lab.StopSourceAsync();
        _lab.StartSource();
        await _lab.ReachesAsync(torrent, "Removing");
        _lab.StartDestination();
        await _lab.Until(
            async () => await _lab.FindThereAsync(torrent) is { IsActive: true, IsComplete: true } there && there.Tags.Contains("source-removed") && there.Tags.Contains("synced")
                && _lab.Progress(torrent) is null,
            null,
            torrent,
            "it is active and tagged there, and forgotten here");
        Assert.That(torrent.FindDifference(_lab.Destination.SavePath), Is.Null);
    }

    [SourceCase(74)]
    [TestCase("source's client", 611)]
    [TestCase("destination's client", 612)]
    [TestCase("destination", 613)]
    public async Task Down_AtFinalize_NothingIsTagged_ThenItIsSynced(string who, int seed)
    {
        var torrent = new TorrentBuilder($"finalized without {who}.bin") { Seed = seed, Length = 2_000_003 }.Build();
        var (asked, goOn) = (NewSource(), NewSource());
        _lab.Verbs.Hold(async call =>
        {
            if (call is { Method: nameof(IDestination.FinalizeAsync), Arguments: [_, FinalizeRequest request, ..] } && request.Id == torrent.Id && asked.TrySetResult())
            {
                await goOn.Task;
            }
        });
        await _lab.SeedAsync(torrent);
        await asked.Task.DefaultTimeout();
        switch (who)
        {
            case "source's client":
                await EnginesLab.KillAsync(_lab.Source);
                goOn.SetResult();
                await Eventually.BecomesTrueAsync(() => _lab.SourceEngine.Status.ClientOk == false);
                Assert.That(await _lab.FindThereAsync(torrent) is { IsActive: true }, Is.False, "it was not started there");
                await _lab.StartSourceClientAgainAsync();
                break;
            case "destination's client":
                await EnginesLab.KillAsync(_lab.Destination);
                goOn.SetResult();
                await Eventually.BecomesTrueAsync(() => _lab.DestinationEngine.Status.ClientOk == false);
                await LooksAsync(5);
                await AssertNotTaggedHereAsync(torrent);
                await _lab.StartDestinationClientAgainAsync();
                break;
            default:
                await _lab.StopDestinationAsync();
                goOn.SetResult();
                await Eventually.BecomesTrueAsync(() => _lab.SourceEngine.Status.PeerOk == false);
                await LooksAsync(5);
                await AssertNotTaggedHereAsync(torrent);
                _lab.StartDestination();
                break;
        }

        await _lab.SyncedAsync(torrent);
        await _lab.AssertSyncedAsync(torrent);
        Assert.That((await _lab.ScrapeSourceAsync()).Sum("qbsync_sync_failed_total"), Is.Zero);
    }

    private async Task LooksAsync(int count)
    {
        var before = _lab.AtSource.Count(nameof(ITorrentClient.PollAsync));
        await Eventually.BecomesTrueAsync(() => _lab.AtSource.Count(nameof(ITorrentClient.PollAsync)) >= before + count);
    }

    private async Task AssertNotTaggedHereAsync(BuiltTorrent torrent)
    {
        Assert.That((await _lab.FindHereAsync(torrent))!.Tags, Is.Empty);
        Assert.That(_lab.Progress(torrent)!.State, Is.EqualTo("Finalizing"));
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
