using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.Tests.Pieces;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Storage.Tests.Hardlinks;

/// <summary>Torrents of the same source files, over a real store.</summary>
public sealed class TorrentStoreLinkingTests
{
    private static readonly BuiltTorrent First = Build("first", 16384);
    private static readonly BuiltTorrent Second = Build("second", 32768);
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [TestCase(false)]
    [TestCase(true)]
    [DestinationCase(106)]
    [DestinationCase(109)]
    [MetricCase("A20")]
    public async Task SecondTorrentOfTheSameFiles_IsLinked_WithoutPayload(bool isRestarted)
    {
        await _rig.StartAsync();
        await FinishAsync(await OpenAsync(First), First);
        if (isRestarted)
        {
            await _rig.RestartAsync();
        }

        var storage = await OpenAsync(Second);
        Assert.That(storage.DeferredPieces, Is.EqualTo(Second.Manifest.PieceCount));
        _rig.Files.Fault = call =>
        {
            Assert.That(File.Exists(PathOf(Second, 0)), Is.False, "no final name before its hashes were right");
            return null;
        };
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        _rig.Files.Fault = null;
        Assert.That((storage.HeldPieces, storage.DeferredPieces), Is.EqualTo((Second.Manifest.PieceCount, 0)));
        await StoreRig.FinishAsync(storage);
        Assert.That(Second.FindDifference(_rig.Data), Is.Null);
        Assert.That(InodeOf(Second, 0), Is.EqualTo(InodeOf(First, 0)));
        Assert.That(await _rig.ReadMetricAsync("qbsync_hardlinks_created_total"), Is.EqualTo(2));
        Assert.That(await _rig.ReadMetricAsync("qbsync_bytes_reused_total{how=\"hardlink\"}"), Is.EqualTo(Second.Manifest.Length));
        Assert.That(_rig.ListPartials(), Is.Empty);
    }

    [Test]
    [DestinationCase(107)]
    [MetricCase("G16")]
    public async Task RecycledInode_IsNotLinked_AndIsStreamed()
    {
        await _rig.StartAsync();
        await FinishAsync(await OpenAsync(First), First);
        Assert.That(await _rig.ReadMetricAsync("qbsync_inode_registry_size"), Is.Positive);
        var other = Build("other", 16384, seed: 9);
        var storage = await OpenAsync(other);
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That((storage.HeldPieces, storage.DeferredPieces), Is.EqualTo((0, 0)));
        Assert.That(await _rig.ReadMetricAsync("qbsync_inode_registry_size"), Is.Zero);
        await FinishAsync(storage, other);
        Assert.That((First.FindDifference(_rig.Data), other.FindDifference(_rig.Data)), Is.EqualTo(((string?)null, (string?)null)));
        Assert.That(InodeOf(other, 0), Is.Not.EqualTo(InodeOf(First, 0)));
    }

    [Test]
    [DestinationCase(110)]
    public async Task WritersFileIsPublished_ItsTorrentIsNot_WaiterIsLinked()
    {
        await _rig.StartAsync();
        var writer = await OpenAsync(First);
        var waiter = await OpenAsync(Second);
        await waiter.SettleAsync(null, default);
        Assert.That(waiter.DeferredPieces, Is.EqualTo(Second.Manifest.PieceCount));
        var due = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        waiter.SettleDue += () => due.TrySetResult();
        StoreRig.SendAll(writer, First);
        Assert.That(await writer.VerifyFileAsync(0, null, default), Is.Zero);
        Assert.That(await writer.PublishFilesAsync([0], default), Is.Null);
        await due.Task.DefaultTimeout();
        var outcome = await waiter.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That((outcome.Found, outcome.IsWaiting), Is.EqualTo((3, true)));
        Assert.That(await writer.VerifyFileAsync(1, null, default), Is.Zero);
        Assert.That(await writer.PublishFilesAsync([1], default), Is.Null);
        await waiter.SettleAsync(null, default).AsTask().DefaultTimeout();
        await StoreRig.FinishAsync(waiter);
        Assert.That(Second.FindDifference(_rig.Data), Is.Null);
        Assert.That(InodeOf(Second, 1), Is.EqualTo(InodeOf(First, 1)));
    }

    [TestCase("abort")]
    [TestCase("stall")]
    [DestinationCase(111)]
    public async Task WriterAborts_OrStandsStill_WaiterIsStreamedAndFinishes(string how)
    {
        await _rig.StartAsync();
        var writer = await OpenAsync(First);
        var waiter = await OpenAsync(Second);
        await waiter.SettleAsync(null, default);
        var due = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        waiter.SettleDue += () => due.TrySetResult();
        if (how == "abort")
        {
            await writer.DiscardAsync(false, default);
        }
        else
        {
            await Eventually.BecomesTrueAsync(() =>
            {
                _rig.Time.Advance(TimeSpan.FromMinutes(1));
                return due.Task.IsCompleted;
            });
        }

        await due.Task.DefaultTimeout();
        await waiter.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(waiter.DeferredPieces, Is.Zero);
        await FinishAsync(waiter, Second);
        Assert.That(Second.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(111)]
    public async Task WriterThatReceivesForLong_KeepsItsWaiters()
    {
        await _rig.StartAsync();
        var writer = await OpenAsync(First);
        var waiter = await OpenAsync(Second);
        await waiter.SettleAsync(null, default);
        for (var piece = 0; piece < First.Manifest.PieceCount / 2; piece++)
        {
            StoreRig.Send(writer, First, piece);
            await writer.FlushAsync(default);
            _rig.Time.Advance(TimeSpan.FromMinutes(4));
            await waiter.SettleAsync(null, default).AsTask().DefaultTimeout();
        }

        Assert.That(await writer.VerifyFileAsync(0, null, default), Is.Zero);
        Assert.That(await writer.PublishFilesAsync([0], default), Is.Null);
        await waiter.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(waiter.HeldPieces, Is.EqualTo(Second.Manifest.PieceCount / 2), "its file came from the writer, as long as that took");
    }

    [Test]
    [DestinationCase(111)]
    public async Task FileThatLiesInSharedPiecesAlone_OfAWriterThatNeverEnds_IsHadWithThosePieces()
    {
        await _rig.StartAsync();
        FileIdentity?[] identities = [null, new FileIdentity(4, 100, 100, 5), null];
        await OpenAsync(MakeSmall("writer"), identities);
        var torrent = MakeSmall("waiter");
        var waiter = await OpenAsync(torrent, identities);
        Assert.That((waiter.IsUnsettled, waiter.DeferredPieces), Is.EqualTo((true, 0)), "its piece is its neighbours' too, and comes with them");
        Assert.That((await waiter.SettleAsync(null, default)).IsWaiting, Is.True);
        StoreRig.SendAll(waiter, torrent);
        Assert.That((await waiter.SettleAsync(null, default).AsTask().DefaultTimeout()).IsWaiting, Is.False);
        await StoreRig.FinishAsync(waiter);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(111)]
    [MetricCase("C26")]
    public async Task LinkThatFails_IsStreamed()
    {
        _rig.Options.Reflinks = false;
        await _rig.StartAsync();
        await FinishAsync(await OpenAsync(First), First);
        _rig.Files.Fault = static call => call.Operation == "Link" ? Storage.IO.Native.StorageFaults.Create(18, "link", call.Name) : null;
        var storage = await OpenAsync(Second);
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(await _rig.ReadMetricAsync("qbsync_hardlink_errors_total"), Is.EqualTo(2));
        await FinishAsync(storage, Second);
        Assert.That(Second.FindDifference(_rig.Data), Is.Null);
    }

    /// <summary>The file that a torrent waits for is finalized, and cannot be linked to then: across file systems, say.</summary>
    [Test]
    [MetricCase("C26"), MetricCase("A20")]
    public async Task LinkThatFailsWhenTheWriterFinalizes_IsOneError_AndTheFileIsStreamed()
    {
        const int CrossDevice = 18;
        _rig.Options.Reflinks = false;
        await _rig.StartAsync();
        var writer = await OpenAsync(First);
        var waiter = await OpenAsync(Second);
        await waiter.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(waiter.DeferredPieces, Is.EqualTo(Second.Manifest.PieceCount), "all of it waits for the writer");
        Assert.That(await _rig.ReadMetricAsync("qbsync_hardlink_errors_total"), Is.Zero);
        StoreRig.SendAll(writer, First);
        _rig.Files.Fault = static call => call.Operation == "Link" ? Storage.IO.Native.StorageFaults.Create(CrossDevice, "link", call.Name) : null;
        Assert.That(await writer.VerifyFileAsync(0, null, default).AsTask().DefaultTimeout(), Is.Zero);
        Assert.That(await writer.PublishFilesAsync([0], default).AsTask().DefaultTimeout(), Is.Null);
        await waiter.SettleAsync(null, default).AsTask().DefaultTimeout();
        _rig.Files.Fault = null;

        Assert.That(await _rig.ReadMetricAsync("qbsync_hardlink_errors_total"), Is.EqualTo(1));
        Assert.That(await _rig.ReadMetricAsync("qbsync_hardlinks_created_total"), Is.Zero);
        Assert.That(Enumerable.Range(0, Second.Manifest.PieceCount / 2).Select(piece => StoreRig.Send(waiter, Second, piece)), Has.All.EqualTo(PieceAckStatus.Accepted));
        Assert.That(await writer.VerifyFileAsync(1, null, default).AsTask().DefaultTimeout(), Is.Zero);
        Assert.That(await writer.PublishFilesAsync([1], default).AsTask().DefaultTimeout(), Is.Null);
        await waiter.SettleAsync(null, default).AsTask().DefaultTimeout();
        await FinishAsync(waiter, Second);
        Assert.That(Second.FindDifference(_rig.Data), Is.Null);
        Assert.That((InodeOf(Second, 0) == InodeOf(First, 0), InodeOf(Second, 1) == InodeOf(First, 1)), Is.EqualTo((false, true)));
        Assert.That(await _rig.ReadMetricAsync("qbsync_hardlink_errors_total"), Is.EqualTo(1));
        Assert.That(await _rig.ReadMetricAsync("qbsync_bytes_reused_total{how=\"hardlink\"}"), Is.EqualTo(98_304), "the second file alone");
    }

    [TestCase(false)]
    [TestCase(true)]
    [DestinationCase(113)]
    public async Task LinkedFileIsFoundCorrupt_ItIsReplaced_DonorIsUntouched_AndIsReadBackAgain(bool isPublished)
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 5);
        await _rig.StartAsync();
        var donor = await OpenAsync(First);
        await FinishAsync(donor, First);
        var storage = await OpenAsync(Second);
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        if (isPublished)
        {
            await StoreRig.FinishAsync(storage);
        }

        var inode = InodeOf(First, 0);
        var modified = File.GetLastWriteTimeUtc(PathOf(First, 0));
        using (var file = File.OpenHandle(PathOf(First, 0), access: FileAccess.Write))
        {
            RandomAccess.Write(file, [0xde, 0xad], 40_000);
        }

        var spoiled = File.ReadAllBytes(PathOf(First, 0));
        File.SetLastWriteTimeUtc(PathOf(First, 0), modified);
        Assert.That(await storage.ReexamineFilesAsync([0], null, default), Is.EqualTo(isPublished ? 1 : 0));
        if (!isPublished)
        {
            await storage.PublishFilesAsync([0], default);
            Assert.That(await storage.ReexamineFilesAsync([0], null, default), Is.EqualTo(1));
        }

        Assert.That(storage.HeldPieces, Is.EqualTo(Second.Manifest.PieceCount - 1));
        StoreRig.SendAll(storage, Second);
        await StoreRig.FinishAsync(storage);
        Assert.That(Second.FindDifference(_rig.Data), Is.Null);
        Assert.That((InodeOf(First, 0), InodeOf(Second, 0) == inode), Is.EqualTo((inode, false)));
        Assert.That(File.ReadAllBytes(PathOf(First, 0)), Is.EqualTo(spoiled), "donor untouched");
        Assert.That(await donor.CheckPublishedAsync(default), Is.EqualTo(new[] { 0 }), "it is to be read again");
        Assert.That(await donor.VerifyFileAsync(0, null, default), Is.EqualTo(1));
        StoreRig.SendAll(donor, First);
        await StoreRig.FinishAsync(donor);
        Assert.That(First.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(114)]
    public async Task PartialThatGetsASecondLink_IsNeverWrittenThrough()
    {
        await _rig.StartAsync();
        var storage = await OpenAsync(First);
        StoreRig.Send(storage, First, 0);
        await storage.FlushAsync(default);
        storage = (await _rig.RestartAsync()).Single();
        var partial = _rig.ListPartials().Single();
        var other = Path.Combine(_rig.Data, "mine");
        using (var folder = LinuxFileSystem.Create().OpenRoot(Path.GetDirectoryName(partial)!)!)
        using (var root = LinuxFileSystem.Create().OpenRoot(_rig.Data)!)
        {
            LinuxFileSystem.Create().Link(folder, Path.GetFileName(partial), root, "mine");
        }

        var before = File.ReadAllBytes(other);
        Assert.That(StoreRig.Send(storage, First, 1), Is.EqualTo(PieceAckStatus.StorageError));
        Assert.That(File.ReadAllBytes(other), Is.EqualTo(before));
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(storage.HeldPieces, Is.EqualTo(1));
        await FinishAsync(storage, First);
        Assert.That(First.FindDifference(_rig.Data), Is.Null);
        Assert.That(File.ReadAllBytes(other), Is.EqualTo(before));
    }

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(114)]
    public async Task FileSystemWithoutLinks_ClonesOrStreams_AndFinishes(bool clones)
    {
        _rig.Files.Fault = static call => call.Operation == "Link" ? Storage.IO.Native.StorageFaults.Create(1, "link", call.Name) : null;
        _rig.Files.Clones = clones;
        await _rig.StartAsync();
        await FinishAsync(await OpenAsync(First), First);
        var storage = await OpenAsync(Second);
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(storage.HeldPieces, Is.EqualTo(clones ? Second.Manifest.PieceCount : 0));
        await FinishAsync(storage, Second);
        Assert.That(Second.FindDifference(_rig.Data), Is.Null);
        Assert.That(InodeOf(Second, 0), Is.Not.EqualTo(InodeOf(First, 0)));
    }

    [Test]
    [DestinationCase(112)]
    public async Task TwoFilesOfOneTorrentWithOneInode_AllFinish()
    {
        await _rig.StartAsync();
        var request = Request(First);
        var storage = (await _rig.Store.OpenAsync(request with { Identities = [request.Identities[0], request.Identities[0]] }, default)).Storage!;
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        for (var round = 0; round < 3; round++)
        {
            for (var piece = 0; piece < First.Manifest.PieceCount; piece++)
            {
                if (!storage.CopyHave()[piece] && !storage.CopyDeferred()[piece])
                {
                    StoreRig.Send(storage, First, piece);
                }
            }

            if (await storage.VerifyFileAsync(0, null, default) == 0)
            {
                await storage.PublishFilesAsync([0], default);
            }

            await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        }

        await FinishAsync(storage, First);
        Assert.That(First.FindDifference(_rig.Data), Is.Null, "the second file is another one, whatever its inode said");
    }

    private static BuiltTorrent Build(string name, int pieceLength, int seed = 1) =>
        new TorrentBuilder(name) { PieceLength = pieceLength, Seed = seed }.AddFile("a", 98_304).AddFile("b", 98_304).Build();

    private static StoreRequest Request(BuiltTorrent torrent) => StoreRig.Request(torrent) with
    {
        Identities = [new FileIdentity(4, 100, 98_304, 5), new FileIdentity(4, 101, 98_304, 5)],
    };

    private static BuiltTorrent MakeSmall(string name) =>
        new TorrentBuilder(name) { PieceLength = 32768, Seed = 7 }.AddFile("a", 40_000).AddFile("b", 100).AddFile("c", 40_000).Build();

    private Task<ITorrentStorage> OpenAsync(BuiltTorrent torrent) => OpenAsync(torrent, Request(torrent).Identities);

    private async Task<ITorrentStorage> OpenAsync(BuiltTorrent torrent, IReadOnlyList<FileIdentity?> identities)
    {
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(torrent) with { Identities = identities }, default).AsTask().DefaultTimeout();
        Assert.That(outcome.Refusal, Is.Null);
        return outcome.Storage!;
    }

    private static async Task FinishAsync(ITorrentStorage storage, BuiltTorrent torrent)
    {
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
    }

    private string PathOf(BuiltTorrent torrent, int file) => Path.Combine(_rig.Data, torrent.Files[file].RelativePath);

    private ulong InodeOf(BuiltTorrent torrent, int file)
    {
        var files = LinuxFileSystem.Create();
        using var folder = files.OpenRoot(Path.GetDirectoryName(PathOf(torrent, file))!)!;
        return files.Stat(folder, Path.GetFileName(PathOf(torrent, file)))!.Value.Inode;
    }
}
