using QbSync.Outcomes;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>Room on the device.</summary>
public sealed class SpaceTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [DestinationCase(22)]
    public async Task TwoThatFitOnlyOneByOne_TheSecondIsRefusedWithNumbers_UntilTheFirstHasGone()
    {
        const long Large = 6 << 20;
        await _rig.StartAsync();
        _rig.Files.FreeBytes = 10 << 20;
        var first = new TorrentBuilder("first") { Length = Large }.Build();
        var second = new TorrentBuilder("second") { Length = Large }.Build();
        var storage = (await _rig.Store.OpenAsync(StoreRig.Request(first), default).DefaultTimeout()).Storage!;
        var refusal = (await _rig.Store.OpenAsync(StoreRig.Request(second), default).DefaultTimeout()).Refusal!;
        Assert.That((refusal.Reason, refusal.NeededBytes), Is.EqualTo((RefusalReason.NoSpace, Large)));
        Assert.That(refusal.FreeBytes, Is.EqualTo(4 << 20));
        Assert.That(Directory.GetFileSystemEntries(_rig.Folder["state", "torrents"]), Has.Length.EqualTo(1));
        await _rig.RestartAsync();
        Assert.That((await _rig.Store.OpenAsync(StoreRig.Request(second), default).DefaultTimeout()).Refusal?.Reason, Is.EqualTo(RefusalReason.NoSpace), "a start knows it too");
        storage = (await _rig.RestartAsync())[0];
        await storage.DiscardAsync(false, default).DefaultTimeout();
        Assert.That((await _rig.Store.OpenAsync(StoreRig.Request(second), default).DefaultTimeout()).Refusal, Is.Null);
    }

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(24)]
    public async Task Reservations_ShrinkAsBlocksAreTaken(bool preallocates)
    {
        _rig.Options.Preallocate = preallocates;
        var torrent = new TorrentBuilder("large") { PieceLength = 1 << 20, Length = 8 << 20 }.Build();
        var storage = (Storage.Pieces.TorrentStorage)await _rig.StartAndOpenAsync(torrent);
        Assert.That(storage.UnallocatedBytes, Is.EqualTo(8 << 20));
        StoreRig.Send(storage, torrent, 3);
        Assert.That(storage.UnallocatedBytes, Is.EqualTo(preallocates ? 0 : 7 << 20));
        Assert.That(_rig.Files.Calls.Any(static call => call.Operation == "TryAllocate"), Is.EqualTo(preallocates));
        await storage.FlushAsync(default).DefaultTimeout();
        storage = (Storage.Pieces.TorrentStorage)(await _rig.CrashAndStartAsync())[0];
        Assert.That(storage.UnallocatedBytes, Is.EqualTo(preallocates ? 0 : 7 << 20));
        StoreRig.SendAll(storage, torrent);
        Assert.That(storage.UnallocatedBytes, Is.Zero);
        await StoreRig.FinishAsync(storage);
    }

    [Test]
    [DestinationCase(23)]
    public async Task AFullDevice_InAWriteAndAtTheJournal_LosesNothing_AndResumesByItself()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        _rig.Files.Fault = static call => call.Operation == "Write" && call.Name.EndsWith("-part", StringComparison.Ordinal) ? FaultyFileSystem.NoSpace : null;
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.NoSpace));
        _rig.Files.Fault = null;
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.NoSpace), "held for a while");
        _rig.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.Accepted));
        _rig.Files.Fault = static call => call.Operation is "Write" && call.Name.EndsWith("journal", StringComparison.Ordinal) ? FaultyFileSystem.NoSpace : null;
        Assert.That(async () => await storage.FlushAsync(default).DefaultTimeout(), Throws.TypeOf<StorageException>().With.Property("Fault").EqualTo(StorageFault.NoSpace));
        _rig.Files.Fault = null;
        _rig.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.That(await storage.FlushAsync(default).DefaultTimeout(), Is.Zero);
        Assert.That(storage.CopyHave()[0], Is.True);
        StoreRig.SendAll(storage, torrent);
        var full = true;
        _rig.Files.Fault = call => full && call.Operation == "RenameNew" ? FaultyFileSystem.NoSpace : null;
        await storage.VerifyFileAsync(0, null, default).DefaultTimeout();
        Assert.That(async () => await storage.PublishFilesAsync([0], default).DefaultTimeout(), Throws.TypeOf<StorageException>());
        full = false;
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }
}
