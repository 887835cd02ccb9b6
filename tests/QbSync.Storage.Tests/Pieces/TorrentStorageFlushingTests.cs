using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class TorrentStorageFlushingTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [MetricCase("G09"), MetricCase("H07")]
    public async Task AFlush_BringsBytes_ThenFolders_ThenBits()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        Assert.That(await _rig.ReadMetricAsync("qbsync_torrents_with_dirty_state"), Is.EqualTo(1));
        _rig.Files.ClearCalls();
        Assert.That(await storage.FlushAsync(default).DefaultTimeout(), Is.Zero);
        var order = _rig.Files.Calls
            .Where(static call => call.Operation is "Sync" or "SyncFolder" || (call.Operation == "Write" && call.Name == "journal"))
            .Select(static call => call.Name.EndsWith("-part", StringComparison.Ordinal) ? "bytes" : $"{call.Operation} {call.Name}");
        Assert.That(order, Is.EqualTo(new[] { "bytes", "SyncFolder mixed/a", "Write journal", "Sync journal" }));
        Assert.That(await _rig.ReadMetricAsync("qbsync_torrents_with_dirty_state"), Is.Zero);
        Assert.That(await _rig.ReadMetricAsync("qbsync_state_flush_duration_seconds_count"), Is.EqualTo(1));
    }

    [Test]
    [MetricCase("G09"), MetricCase("H07")]
    public async Task AFlush_OfThreeTorrentsOfWhichTwoAreDirty_IsTimedTwice()
    {
        await _rig.StartAsync();
        List<ITorrentStorage> storages = [];
        foreach (var seed in new[] { 1, 2, 3 })
        {
            var torrent = new TorrentBuilder($"{seed}.bin") { PieceLength = 16 * 1024, Length = 50_000, Seed = seed }.Build();
            storages.Add(await _rig.OpenAsync(torrent));
            if (seed != 2)
            {
                StoreRig.Send(storages[^1], torrent, 0);
            }
        }

        Assert.That(await _rig.ReadMetricAsync("qbsync_torrents_with_dirty_state"), Is.EqualTo(2));
        foreach (var storage in storages)
        {
            await storage.FlushAsync(default).DefaultTimeout();
        }

        Assert.That(await _rig.ReadMetricAsync("qbsync_torrents_with_dirty_state"), Is.Zero);
        Assert.That(await _rig.ReadMetricAsync("qbsync_state_flush_duration_seconds_count"), Is.EqualTo(2));
    }

    [Test]
    public async Task TheInterval_FlushesWhatIsDirty_AndNothingElse()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        _rig.Time.Advance(_rig.Options.FlushInterval);
        await Eventually.BecomesTrueAsync(async () => await _rig.ReadMetricAsync("qbsync_torrents_with_dirty_state") == 0);
        var after = await _rig.CrashAndStartAsync();
        Assert.That(after[0].HeldPieces, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(63)]
    public async Task AFailedFsync_ClearsItsPieces_AndIsNotTriedAgain()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 1);
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        await storage.FlushAsync(default).DefaultTimeout();
        StoreRig.Send(storage, torrent, 1);
        StoreRig.Send(storage, torrent, 5);
        storage.Begin(2, out var unfinished);
        var bytes = torrent.ReadPiece(2);
        unfinished!.Write(0, bytes.AsSpan(0, 1000));
        var syncs = 0;
        var first = storage.Request.Manifest.Id.ToString()[..16];
        _rig.Files.Fault = call => call.Operation == "Sync" && call.Name == $".{first}-0.qbsync-part" && ++syncs == 1 ? IO.FaultyFileSystem.InputOutput : null;
        Assert.That(await storage.FlushAsync(default).DefaultTimeout(), Is.EqualTo(1));
        Assert.That(storage.Losses, Is.EqualTo(1));
        Assert.That(await _rig.ReadMetricAsync("qbsync_file_sync_errors_total"), Is.EqualTo(1));
        var have = storage.CopyHave();
        Assert.That((have[0], have[1], have[5]), Is.EqualTo((true, false, true)), "flushed before; lost; another file");
        Assert.That(unfinished.Write(1000, bytes.AsSpan(1000)), Is.EqualTo(PieceAckStatus.StorageError), "its first bytes may be gone");
        Assert.That(StoreRig.Send(storage, torrent, 1), Is.EqualTo(PieceAckStatus.Accepted));
        await storage.FlushAsync(default).DefaultTimeout();
        var after = await _rig.CrashAndStartAsync();
        Assert.That(after[0].HeldPieces, Is.EqualTo(3));
    }

    [Test]
    [DestinationCase(23)]
    public async Task AFullDisk_IsAnsweredNoSpace_AndTakesPiecesAgainLater()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        _rig.Files.Fault = static call => call.Operation == "Write" ? IO.FaultyFileSystem.NoSpace : null;
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.NoSpace));
        Assert.That(await _rig.ReadMetricAsync("qbsync_piece_write_errors_total"), Is.EqualTo(1));
        _rig.Files.Fault = null;
        Assert.That(storage.Begin(1, out _), Is.EqualTo(PieceAckStatus.NoSpace));
        _rig.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.Accepted));
    }

    [Test]
    public async Task AFailedWrite_IsAStorageError_AndTheNextAttemptIsWhole()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        var writes = 0;
        _rig.Files.Fault = call => call.Operation == "Write" && ++writes == 3 ? IO.FaultyFileSystem.InputOutput : null;
        Assert.That(StoreRig.Send(storage, torrent, 1, 10_000), Is.EqualTo(PieceAckStatus.StorageError));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(66)]
    [MetricCase("G09"), MetricCase("H07"), MetricCase("C23")]
    public async Task AFailedJournal_IsRewrittenOnce_AndIsAStorageErrorIfThatFailsToo()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        _rig.Files.Fault = static call => call is { Operation: "Sync", Name: "journal" or ".tmp-journal" } ? IO.FaultyFileSystem.InputOutput : null;
        Assert.That(async () => await storage.FlushAsync(default).DefaultTimeout(), Throws.TypeOf<StorageException>());
        Assert.That(await _rig.ReadMetricAsync("qbsync_state_save_errors_total"), Is.EqualTo(2));
        Assert.That(await _rig.ReadMetricAsync("qbsync_torrents_with_dirty_state"), Is.EqualTo(1));
        Assert.That(await _rig.ReadMetricAsync("qbsync_state_flush_duration_seconds_count"), Is.Zero, "nothing was flushed");
        _rig.Files.Fault = static call => call is { Operation: "Sync", Name: "journal" } ? IO.FaultyFileSystem.InputOutput : null;
        await storage.FlushAsync(default).DefaultTimeout();
        Assert.That(await _rig.ReadMetricAsync("qbsync_torrents_with_dirty_state"), Is.Zero);
        _rig.Files.Fault = null;
        StoreRig.Send(storage, torrent, 1);
        await storage.FlushAsync(default).DefaultTimeout();
        var after = await _rig.CrashAndStartAsync();
        Assert.That(after[0].HeldPieces, Is.EqualTo(2));
    }

    [Test]
    [DestinationCase(35)]
    public async Task APartialThatVanishes_LosesItsPieces_AndIsMadeAnew()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        StoreRig.Send(storage, torrent, 5);
        await storage.FlushAsync(default).DefaultTimeout();
        var after = await _rig.RestartAsync();
        storage = after[0];
        File.Delete(_rig.ListPartials().Single(static path => path.Contains("-0.", StringComparison.Ordinal)));
        Assert.That(StoreRig.Send(storage, torrent, 1), Is.EqualTo(PieceAckStatus.FileLost));
        Assert.That((storage.CopyHave()[0], storage.CopyHave()[5], storage.Losses), Is.EqualTo((false, true, 1UL)));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
        Assert.That(storage.Phase, Is.EqualTo(StoredPhase.Receiving));
    }
}
