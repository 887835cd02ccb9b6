using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class TorrentStoreOpeningTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [DestinationCase(32)]
    [DestinationCase(33)]
    public async Task FilesThatAreThere_AreHashed_AndNothingIsWritten()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        torrent.WriteContent(_rig.Data);
        var storage = await _rig.StartAndOpenAsync(torrent);
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True);
        Assert.That(storage.DeferredPieces, Is.Zero);
        _rig.Files.ClearCalls();
        await StoreRig.FinishAsync(storage);
        Assert.That(_rig.Files.Calls.Where(static call => call.Operation is "Read" or "RenameNew"), Is.Empty, "each byte is read once");
        Assert.That(await storage.CheckPublishedAsync(default).DefaultTimeout(), Is.Empty);
        await storage.DiscardAsync(false, default).DefaultTimeout();
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null, "what others made stays");
    }

    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(1)]
    [DestinationCase(32)]
    public async Task AFileThatIsNotTheTorrents_IsInTheWay_AndNothingIsMade(int change)
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        BuiltTorrent.WriteFile(_rig.Data, torrent.Files[3]);
        var path = _rig.Folder["data", torrent.Files[3].RelativePath];
        var bytes = torrent.ReadFile(3);
        bytes[150_000] ^= 1;
        Array.Resize(ref bytes, bytes.Length + change);
        File.WriteAllBytes(path, bytes);
        await _rig.StartAsync();
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout();
        if (change != 0)
        {
            Assert.That(outcome.Refusal?.Reason, Is.EqualTo(RefusalReason.PathConflict));
            Assert.That(Directory.GetFileSystemEntries(_rig.Folder["state", "torrents"]), Is.Empty);
            Assert.That(File.ReadAllBytes(path), Is.EqualTo(bytes));
            File.Delete(path);
            Assert.That((await _rig.OpenAsync(torrent)).HeldPieces, Is.Zero, "with the file gone it opens");
            return;
        }

        var storage = outcome.Storage!;
        var deferred = storage.DeferredPieces;
        Assert.That(deferred, Is.GreaterThan(0));
        var settled = await storage.SettleAsync(null, default).DefaultTimeout();
        Assert.That((settled.Conflict?.Reason, settled.IsWaiting, settled.Found), Is.EqualTo((RefusalReason.PathConflict, true, 0)));
        Assert.That((storage.DeferredPieces, storage.HeldPieces), Is.EqualTo((deferred, 0)), "nothing is streamed for it");
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(bytes));
        Assert.That(_rig.ListPartials(), Is.Empty);
        _rig.Files.ClearCalls();
        Assert.That((await storage.SettleAsync(null, default).DefaultTimeout()).Conflict, Is.Not.Null);
        Assert.That(_rig.Files.Calls.Where(static call => call.Operation == "Read"), Is.Empty, "looked at again, not read again");
        File.Delete(path);
        settled = await storage.SettleAsync(null, default).DefaultTimeout();
        Assert.That((settled.Conflict, settled.IsWaiting, settled.Dropped), Is.EqualTo(((Refusal?)null, false, deferred)));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(34)]
    [DestinationCase(37)]
    public async Task OwnPartialsWithoutState_AreHashed_AndOnlyGoodPiecesCount()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        StoreRig.Send(storage, torrent, 6);
        StoreRig.Send(storage, torrent, 1, spoil: static bytes => bytes[0]++);
        await _rig.Store.DisposeAsync();
        Directory.Delete(_rig.State, recursive: true);
        storage = await _rig.StartAndOpenAsync(torrent);
        Assert.That((storage.HeldPieces, storage.CopyHave()[0], storage.CopyHave()[6]), Is.EqualTo((2, true, true)));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    public async Task ASymbolicLinkOnTheWay_IsRefused_AndNothingIsMadeBehindIt()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var outside = _rig.Folder.CreateFolder("outside");
        Directory.CreateDirectory(_rig.Folder["data", "mixed"]);
        Directory.CreateSymbolicLink(_rig.Folder["data", "mixed", "a"], outside);
        await _rig.StartAsync();
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout();
        Assert.That(outcome.Refusal?.Reason, Is.EqualTo(RefusalReason.PathRefused));
        Directory.Delete(_rig.Folder["data", "mixed", "a"]);
        var storage = await _rig.OpenAsync(torrent);
        Directory.CreateSymbolicLink(_rig.Folder["data", "mixed", "a"], outside);
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.StorageError), "swapped after the look");
        Assert.That(Directory.GetFileSystemEntries(outside), Is.Empty);
    }

    [Test]
    [DestinationCase(22)]
    public async Task TooLittleRoom_IsRefusedWithNumbers_AndNothingIsMade()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        _rig.Options.MinFreeBytes = long.MaxValue / 2;
        await _rig.StartAsync();
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout();
        Assert.That(outcome.Refusal, Is.Not.Null);
        Assert.That((outcome.Refusal!.Reason, outcome.Refusal.NeededBytes), Is.EqualTo((RefusalReason.NoSpace, torrent.Manifest.ContentLength)));
        Assert.That(Directory.GetFileSystemEntries(_rig.Folder["state", "torrents"]), Is.Empty);
    }

    [Test]
    [DestinationCase(18)]
    public async Task TwoTorrentsOfOnePath_Conflict_UntilTheFirstIsDiscarded()
    {
        var first = new TorrentBuilder("same") { Length = 50_000, Seed = 1 }.Build();
        var second = new TorrentBuilder("same") { Length = 50_000, Seed = 2 }.Build();
        var storage = await _rig.StartAndOpenAsync(first);
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(second), default).DefaultTimeout();
        Assert.That(outcome.Refusal?.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That((await _rig.Store.OpenAsync(StoreRig.Request(first), default).DefaultTimeout()).Refusal?.Reason, Is.EqualTo(RefusalReason.Busy));
        await storage.DiscardAsync(false, default).DefaultTimeout();
        await _rig.OpenAsync(second);
    }

    [TestCase("..")]
    [TestCase("a/b")]
    [TestCase(".qbsync")]
    [TestCase("x.qbsync-part")]
    [TestCase("")]
    public async Task AnUnsafeName_IsRefused(string name)
    {
        var torrent = new TorrentBuilder("one") { Length = 1000 }.Build();
        await _rig.StartAsync();
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(torrent) with { FileNames = [[name]] }, default).DefaultTimeout();
        Assert.That(outcome.Refusal?.Reason, Is.EqualTo(RefusalReason.PathRefused));
    }

    [Test]
    [DestinationCase(20)]
    public async Task AnOpenThatFails_LeavesNothing_AndTheNextOneWorks()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        await _rig.StartAsync();
        _rig.Files.Fault = static call => call is { Operation: "Sync", Name: ".tmp-journal" } ? IO.FaultyFileSystem.NoSpace : null;
        Assert.That(async () => await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout(), Throws.TypeOf<StorageException>());
        Assert.That(Directory.GetFileSystemEntries(_rig.Folder["state", "torrents"]), Is.Empty);
        _rig.Files.Fault = null;
        await _rig.OpenAsync(torrent);
    }

    [Test]
    [DestinationCase(12)]
    public async Task AnotherFolderAtTheRoot_WhileRunning_IsMissed()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        await _rig.StartAsync();
        Directory.Move(_rig.Data, _rig.Folder["moved"]);
        _rig.Folder.CreateFolder("data");
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout();
        Assert.That(outcome.Refusal?.Reason, Is.EqualTo(RefusalReason.RootMissing));
        Assert.That(Directory.GetFileSystemEntries(_rig.Data), Is.Empty);
    }

    [Test]
    public async Task AFileThatIsThere_NextToOneThatIsNot_IsOnlyComparedWith()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        BuiltTorrent.WriteFile(_rig.Data, torrent.Files[0]);
        var path = _rig.Folder["data", torrent.Files[0].RelativePath];
        var modified = File.GetLastWriteTimeUtc(path);
        var storage = await _rig.StartAndOpenAsync(torrent);
        Assert.That(storage.HeldPieces, Is.EqualTo(3), "its last piece has bytes of others");
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
        Assert.That(File.GetLastWriteTimeUtc(path), Is.EqualTo(modified));
    }

    [Test]
    public async Task AFileThatTurnsOutWrong_WhenItsLastPieceComes_IsNotWrittenTo()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 3);
        var torrent = TorrentStorageReceivingTests.Mixed();
        BuiltTorrent.WriteFile(_rig.Data, torrent.Files[0]);
        var path = _rig.Folder["data", torrent.Files[0].RelativePath];
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        var storage = await _rig.StartAndOpenAsync(torrent);
        Assert.That(StoreRig.Send(storage, torrent, 3), Is.EqualTo(PieceAckStatus.Busy));
        Assert.That((await storage.SettleAsync(null, default).DefaultTimeout()).Conflict?.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That(StoreRig.Send(storage, torrent, 3), Is.EqualTo(PieceAckStatus.Accepted), "its slice is kept aside");
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(bytes));
        StoreRig.SendAll(storage, torrent, except: [0, 1, 2]);
        File.Delete(path);
        Assert.That((await storage.SettleAsync(null, default).DefaultTimeout()).IsWaiting, Is.False);
        Assert.That(storage.CopyHave()[3], Is.True);
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }
}
