using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class TorrentStorageTakingBackTests
{
    private const int ReadBackFailed = StorageEventIds.TorrentStorage + 5;
    private static readonly BuiltTorrent Torrent = new TorrentBuilder("t") { PieceLength = 16384 }.AddFile("a", 100_000).AddFile("b", 100_000).AddFile("c", 0).Build();
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [TestCase("b")]
    [TestCase("a")]
    [DestinationCase(75)]
    [DestinationCase(104)]
    public async Task PublishedFileWithABadPiece_IsTakenBack_AndOnlyThatPieceIsNeeded(string name)
    {
        var storage = await FinishAsync();
        var inode = StatOf(name).Inode;
        var other = name == "a" ? "b" : "a";
        Spoil(name, 50_000);
        var index = name == "a" ? 0 : 1;
        Assert.That(await storage.CheckPublishedAsync(default), Is.EqualTo(new[] { index }));
        var epoch = storage.Epoch;
        Assert.That(await storage.ReexamineFilesAsync([index], null, default).AsTask().DefaultTimeout(), Is.EqualTo(1));
        Assert.That((storage.Epoch, storage.HeldPieces), Is.EqualTo((epoch + 1, Torrent.Manifest.PieceCount - 1)));
        Assert.That(PathOf(name), Does.Not.Exist);
        Assert.That((storage.IsPublished(index), storage.IsPublished(1 - index)), Is.EqualTo((false, true)));
        Assert.That(PathOf(other), Does.Exist);

        storage = (await _rig.CrashAndStartAsync()).Single();
        Assert.That(storage.HeldPieces, Is.EqualTo(Torrent.Manifest.PieceCount - 1));
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(Torrent.FindDifference(_rig.Data), Is.Null);
        Assert.That(StatOf(name).Inode, Is.EqualTo(inode), "the same file, mended");
    }

    [Test]
    [DestinationCase(104)]
    public async Task PublishedFileThatWasOnlyTouched_IsAsGoodAsBefore()
    {
        var storage = await FinishAsync();
        File.SetLastWriteTimeUtc(PathOf("a"), new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var epoch = storage.Epoch;
        Assert.That(await storage.ReexamineFilesAsync([0], null, default), Is.Zero);
        Assert.That((storage.Epoch, storage.IsPublished(0)), Is.EqualTo((epoch, true)));
        Assert.That(await storage.CheckPublishedAsync(default), Is.Empty);
        Assert.That(await storage.SealAsync(Seal(), default), Is.Not.Null);
    }

    [TestCase("truncated")]
    [TestCase("longer")]
    [TestCase("replaced by an equal file")]
    [TestCase("gone")]
    [TestCase("empty gone")]
    [DestinationCase(104)]
    public async Task PublishedFileThatChanged_IsMended(string how)
    {
        var storage = await FinishAsync();
        switch (how)
        {
            case "truncated" or "longer":
                using (var file = File.Open(PathOf("a"), FileMode.Open))
                {
                    file.SetLength(how == "longer" ? 100_001 : 60_000);
                }

                break;
            case "gone":
                File.Delete(PathOf("a"));
                break;
            case "empty gone":
                File.Delete(PathOf("c"));
                break;
            default:
                File.Copy(PathOf("a"), PathOf("a") + "2");
                File.Move(PathOf("a") + "2", PathOf("a"), overwrite: true);
                break;
        }

        var changed = await storage.CheckPublishedAsync(default);
        Assert.That(changed, Is.EqualTo(new[] { how == "empty gone" ? 2 : 0 }));
        var needed = await storage.ReexamineFilesAsync([.. changed], null, default).AsTask().DefaultTimeout();
        Assert.That(needed, Is.EqualTo(how switch { "truncated" => 4, "longer" => 1, "gone" => 7, _ => 0 }));
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(Torrent.FindDifference(_rig.Data), Is.Null);
        Assert.That(await storage.CheckPublishedAsync(default), Is.Empty);
    }

    [Test]
    public async Task FileReplacedByAnotherOfOtherContent_IsNeverTouched_AndNamedUntilItIsMoved()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 3);
        var storage = await FinishAsync();
        File.WriteAllBytes(PathOf("a") + "2", new byte[100_000]);
        File.Move(PathOf("a") + "2", PathOf("a"), overwrite: true);
        Assert.That(await storage.ReexamineFilesAsync([0], null, default), Is.EqualTo(7));
        Assert.That((await storage.SettleAsync(null, default)).Conflict?.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That(File.ReadAllBytes(PathOf("a")), Is.All.Zero);
        File.Delete(PathOf("a"));
        await storage.SettleAsync(null, default);
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(Torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(75)]
    public async Task ThreeBadPiecesOfAThousand_AreNamed_AndTheOthersKeepTheirBits()
    {
        _rig.Logs.Expect(ReadBackFailed);
        var torrent = new TorrentBuilder("big") { PieceLength = 16384 }.AddFile("a", 8_000_000).AddFile("b", 8_384_000).Build();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        Assert.That(await storage.VerifyFileAsync(0, null, default), Is.Zero);
        Assert.That(await storage.PublishFilesAsync([0], default), Is.Null);
        var partial = _rig.ListPartials().Single();
        using (var file = File.OpenHandle(partial, access: FileAccess.Write))
        {
            foreach (var offset in (long[])[1_000_000, 2_000_000, 8_000_000])
            {
                RandomAccess.Write(file, [0xde, 0xad], offset);
            }
        }

        Assert.That(await storage.VerifyFileAsync(1, null, default), Is.EqualTo(3));
        Assert.That((storage.HeldPieces, storage.IsPublished(0)), Is.EqualTo((torrent.Manifest.PieceCount - 3, true)));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(76)]
    public async Task BadBoundaryPieceBetweenOursAndAnAdoptedFile_LeavesTheAdoptedOneAlone()
    {
        _rig.Logs.Expect(ReadBackFailed);
        Directory.CreateDirectory(_rig.Folder["data", "t"]);
        BuiltTorrent.WriteFile(_rig.Data, Torrent.Files[0]);
        var (inode, bytes) = (StatOf("a").Inode, File.ReadAllBytes(PathOf("a")));
        var storage = await _rig.StartAndOpenAsync(Torrent);
        await storage.SettleAsync(null, default);
        StoreRig.SendAll(storage, Torrent);
        await storage.FlushAsync(default);
        using (var file = File.OpenHandle(_rig.ListPartials().Single(), access: FileAccess.Write))
        {
            RandomAccess.Write(file, [0xde, 0xad], 10); // in the piece that both share
        }

        Assert.That(await storage.VerifyFileAsync(1, null, default), Is.EqualTo(1));
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(Torrent.FindDifference(_rig.Data), Is.Null);
        Assert.That((StatOf("a").Inode, StatOf("a").Links), Is.EqualTo((inode, 1u)));
        Assert.That(File.ReadAllBytes(PathOf("a")), Is.EqualTo(bytes));
    }

    [Test]
    [DestinationCase(68)]
    public async Task OwnStalePartial_BlocksNeitherTakingBackNorPublishing()
    {
        var storage = await FinishAsync();
        var hidden = Path.Combine(_rig.Data, "t", $".{Torrent.Manifest.Id.ToString()[..16]}-0.qbsync-part");
        File.WriteAllText(hidden, "stale");
        Spoil("a", 0);
        Assert.That(await storage.ReexamineFilesAsync([0], null, default), Is.EqualTo(1));
        Assert.That(new FileInfo(hidden).Length, Is.EqualTo(100_000));
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(Torrent.FindDifference(_rig.Data), Is.Null);
    }

    [TestCase("RenameNew")]
    [TestCase("SyncFolder")]
    [TestCase("Sync")]
    public async Task CrashWhileTakingBack_GoesOnAtTheStart(string where)
    {
        var storage = await FinishAsync();
        await storage.SealAsync(Seal(), default);
        Spoil("a", 50_000);
        var isBeyond = false;
        _rig.Files.Fault = call =>
        {
            isBeyond |= call.Operation == "RenameNew";
            if ((isBeyond && call.Operation == where) || (where == "Sync" && isBeyond && call.Operation == "Write" && call.Name == "journal"))
            {
                _rig.Files.Crash();
                return FaultyFileSystem.InputOutput;
            }

            return null;
        };
        Assert.That(async () => await storage.ReexamineFilesAsync([0], null, default), Throws.TypeOf<StorageException>());
        storage = (await _rig.CrashAndStartAsync()).Single();
        Assert.That((storage.HeldPieces, storage.IsPublished(0), File.Exists(PathOf("a"))), Is.EqualTo((Torrent.Manifest.PieceCount - 1, false, false)));
        await storage.SetPhaseAsync(StoredPhase.Receiving, null, default);
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(Torrent.FindDifference(_rig.Data), Is.Null);
    }

    private SealRequest Seal() => new("nas", "client", "id", new ClientView(ClientTorrentState.StoppedUp, 1, 0, _rig.Time.GetUtcNow()));

    private async Task<ITorrentStorage> FinishAsync()
    {
        var storage = await _rig.StartAndOpenAsync(Torrent);
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        return storage;
    }

    private void Spoil(string name, long offset)
    {
        using var file = File.OpenHandle(PathOf(name), access: FileAccess.Write);
        RandomAccess.Write(file, [0xde, 0xad], offset);
    }

    private string PathOf(string name) => _rig.Folder["data", "t", name];

    private FileStat StatOf(string name)
    {
        var files = LinuxFileSystem.Create();
        using var folder = files.OpenRoot(_rig.Folder["data", "t"])!;
        return files.Stat(folder, name)!.Value;
    }
}
