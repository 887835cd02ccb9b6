using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class TorrentStoragePublishingTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [DestinationCase(67)]
    public async Task AStrangerAtTheName_IsLeftAlone_AndThePartialIsKept()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 7);
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        await storage.VerifyFileAsync(0, null, default).DefaultTimeout();
        var path = _rig.Folder["data", torrent.Files[0].RelativePath];
        _rig.Files.Fault = call =>
        {
            if (call.Operation == "RenameNew")
            {
                File.WriteAllText(path, "mine");
            }

            return null;
        };
        var refusal = await storage.PublishFilesAsync([0], default).DefaultTimeout();
        Assert.That(refusal?.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That((await storage.PublishFilesAsync([0], default).DefaultTimeout())?.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That((File.ReadAllText(path), storage.IsPublished(0)), Is.EqualTo(("mine", false)));
        _rig.Files.Fault = null;
        File.Delete(path);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(71)]
    public async Task BadBytesOnTheDisk_AreFoundByTheReadBack_DurablyNeeded_AndNeverPublished()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 5);
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        await storage.FlushAsync(default).DefaultTimeout();
        using (var file = File.OpenHandle(_rig.ListPartials().Single(static path => path.Contains("-0.", StringComparison.Ordinal)), access: FileAccess.Write))
        {
            RandomAccess.Write(file, [0xde, 0xad], 70_000);
        }

        Assert.That(await storage.VerifyFileAsync(0, null, default).DefaultTimeout(), Is.EqualTo(1));
        Assert.That((storage.CopyHave()[1], storage.HeldPieces), Is.EqualTo((false, torrent.Manifest.PieceCount - 1)));
        Assert.That(async () => await storage.PublishFilesAsync([0], default).DefaultTimeout(), Throws.TypeOf<StorageException>());
        Assert.That(File.Exists(_rig.Folder["data", torrent.Files[0].RelativePath]), Is.False);
        storage = (await _rig.CrashAndStartAsync())[0];
        Assert.That(storage.HeldPieces, Is.EqualTo(torrent.Manifest.PieceCount - 1));
        _rig.Files.ClearCalls();
        Assert.That(StoreRig.Send(storage, torrent, 1), Is.EqualTo(PieceAckStatus.Accepted));
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    public async Task APiece_IsReadBackOnce()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        foreach (var file in new[] { 0, 2, 3, 4 })
        {
            Assert.That(await storage.VerifyFileAsync(file, null, default).DefaultTimeout(), Is.Zero);
        }

        storage = (await _rig.CrashAndStartAsync())[0];
        _rig.Files.ClearCalls();
        await StoreRig.FinishAsync(storage);
        Assert.That(_rig.Files.Calls.Where(static call => call.Operation == "Read"), Is.Empty);
    }

    [Test]
    [DestinationCase(63)]
    [DestinationCase(64)]
    public async Task AFailedFlush_KeepsAFileFromItsName()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 1);
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        var isFirst = true;
        _rig.Files.Fault = call =>
        {
            var isIt = isFirst && call.Operation == "Sync" && call.Name.EndsWith("-0.qbsync-part", StringComparison.Ordinal);
            isFirst &= !isIt;
            return isIt ? IO.FaultyFileSystem.InputOutput : null;
        };
        Assert.That(await storage.VerifyFileAsync(0, null, default).DefaultTimeout(), Is.EqualTo(4));
        Assert.That(storage.IsPublished(0), Is.False);
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    public async Task PublishedFilesThatChanged_AreNamed_AndForgotten_UnderANewEpoch()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(await storage.CheckPublishedAsync(default).DefaultTimeout(), Is.Empty);
        File.Delete(_rig.Folder["data", torrent.Files[2].RelativePath]);
        File.AppendAllText(_rig.Folder["data", torrent.Files[4].RelativePath], "x");
        var changed = await storage.CheckPublishedAsync(default).DefaultTimeout();
        Assert.That(changed, Is.EqualTo(new[] { 2, 4 }));
        var epoch = storage.Epoch;
        await storage.ReexamineFilesAsync(changed, null, default).DefaultTimeout();
        Assert.That((storage.Epoch, storage.CopyHave()[0]), Is.EqualTo((epoch + 1, true)));
        File.Delete(_rig.Folder["data", torrent.Files[4].RelativePath]);
        storage = (await _rig.CrashAndStartAsync())[0];
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(46)]
    public async Task AnEmptyFile_IsMadeWhenPublished_AndAStrangerThereIsAConflict()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 7);
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "empty");
        Assert.That((storage.Layout.SelectedPieceCount, _rig.ListPartials()), Is.EqualTo((0, Array.Empty<string>())));
        var path = _rig.Folder["data", torrent.Files[1].RelativePath];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "mine");
        Assert.That((await storage.PublishFilesAsync([1], default).DefaultTimeout())?.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That(File.ReadAllText(path), Is.EqualTo("mine"));
        File.Delete(path);
        Assert.That(await storage.PublishFilesAsync([1], default).DefaultTimeout(), Is.Null);
        Assert.That(new FileInfo(path).Length, Is.Zero);
        Assert.That(storage.IsPublished(1), Is.True);
    }

    [Test]
    public async Task ADiscard_RemovesOwnPartialsAndFolders_AndNothingElse()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent, subPath: ["sub"]);
        StoreRig.SendAll(storage, torrent);
        await storage.VerifyFileAsync(4, null, default).DefaultTimeout();
        await storage.PublishFilesAsync([4], default).DefaultTimeout();
        File.WriteAllText(_rig.Folder["data", "sub", "mixed", "b", "note"], "mine");
        storage.Begin(0, out _);
        var (files, bytes) = await storage.DiscardAsync(false, default).DefaultTimeout();
        Assert.That((files, bytes), Is.EqualTo((3, 200_001L + 17 + 300_000)));
        Assert.That(
            Directory.GetFiles(_rig.Data, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_rig.Data, path)).Order(),
            Is.EqualTo(new[] { ".qbsync/root", "sub/mixed/b/note", "sub/mixed/c.bin" }));
        Assert.That(Directory.Exists(_rig.Folder["data", "sub", "mixed", "a"]), Is.False);
        Assert.That(Directory.GetFileSystemEntries(_rig.Folder["state", "torrents"]), Is.Empty);
        Assert.That(storage.Begin(0, out _), Is.EqualTo(PieceAckStatus.NotOpen));
    }
}
