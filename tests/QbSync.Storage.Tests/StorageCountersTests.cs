using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.State;
using QbSync.Storage.Tests.Hardlinks;
using QbSync.Storage.Tests.IO;
using QbSync.Storage.Tests.Pieces;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Storage.Tests;

/// <summary>Each of the storage's counters is moved by its event, and by nothing that resembles it.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class StorageCountersTests
{
    private static readonly BuiltTorrent First = Build("first", 16384);
    private static readonly BuiltTorrent Second = Build("second", 32768);

    /// <summary>
    /// Each step of each durable write, failing once: what a start makes, the first of a session, the periodic one, the proof, the registry, the last of a run.
    /// </summary>
    private static IEnumerable<TestCaseData> Saves() =>
    [
        .. Replaces("start", "root"),
        .. Replaces("start", "roots"),
        .. Replaces("start", "incarnation"),
        .. Replaces("start", "registry"),
        .. Replaces("open", "torrent"),
        .. Replaces("open", "journal"),
        .. Appends("flush", "journal"),
        .. Appends("publish", "registry"),
        .. Replaces("seal", "proof"),
        .. Appends("seal", "journal"),
        .. Replaces("stop", "clean"),
    ];

    [TestCaseSource(nameof(Saves))]
    [MetricCase("C23")]
    public async Task StateSave_ThatFails_IsCountedOnce(string caller, string operation, string name)
    {
        await using var rig = new StoreRig();
        if (caller == "start")
        {
            FailOnce(rig.Files, operation, name);
            Assert.That(async () => await rig.StartAsync(), Throws.TypeOf<StorageException>());
            await AssertOneAsync();
            return;
        }

        await rig.StartAsync();
        if (caller == "open")
        {
            FailOnce(rig.Files, operation, name);
            Assert.That(await OpensAsync(rig), Is.False);
            await AssertOneAsync();
            return;
        }

        var storage = (await rig.Store.OpenAsync(Request(First), default).AsTask().DefaultTimeout()).Storage!;
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        if (caller == "flush")
        {
            StoreRig.Send(storage, First, 0);
            FailOnce(rig.Files, operation, name);
            await storage.FlushAsync(default).AsTask().DefaultTimeout();
            await AssertOneAsync();
            return;
        }

        StoreRig.SendAll(storage, First);
        if (caller == "publish")
        {
            FailOnce(rig.Files, operation, name);
        }

        await StoreRig.FinishAsync(storage);
        if (caller == "seal")
        {
            FailOnce(rig.Files, operation, name);
            var seen = new ClientView(ClientTorrentState.StoppedUp, 1, 0, rig.Time.GetUtcNow());
            try
            {
                await storage.SealAsync(new SealRequest("nas", "client", "id", seen), default).AsTask().DefaultTimeout();
                Assert.That(name, Is.EqualTo("journal"), "which is written anew where it cannot be appended to");
            }
            catch (StorageException)
            {
                Assert.That(name, Does.EndWith("proof"));
            }
        }

        if (caller == "stop")
        {
            FailOnce(rig.Files, operation, name);
        }

        await rig.Store.DisposeAsync().AsTask().DefaultTimeout();
        await AssertOneAsync();

        async Task AssertOneAsync()
        {
            Assert.That(rig.Files.Fault, Is.Null, "the step was come to");
            Assert.That(await rig.ReadMetricAsync("qbsync_state_save_errors_total"), Is.EqualTo(1));
        }
    }

    /// <summary>What a source keeps: a torrent's record, and the journal of handoffs.</summary>
    [TestCase("CreateFile", ".tmp-ab12.rec")]
    [TestCase("Write", ".tmp-ab12.rec")]
    [TestCase("Sync", ".tmp-ab12.rec")]
    [TestCase("RenameOver", "ab12.rec")]
    [TestCase("SyncFolder", "ab12.rec")]
    [TestCase("MakeFolder", "torrents")]
    [MetricCase("C23")]
    public async Task RecordSave_ThatFails_IsCountedOnce(string operation, string name)
    {
        using var folder = new TempDirectory();
        using var logs = new LogErrorGuard();
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var files = new FaultyFileSystem();
        await using var records = new DurableRecords(folder["state"], logs, Prometheus.Metrics.WithCustomRegistry(registry), StorageMetrics.Source, files);
        FailOnce(files, operation, name);

        Assert.That(async () => await records.WriteAsync("torrents/ab12", new byte[] { 1 }, default), Throws.TypeOf<StorageException>());

        Assert.That(await ScrapeAsync(registry), Does.Contain("qbsync_state_save_errors_total{mode=\"source\"} 1\n"));
    }

    [Test]
    [MetricCase("C19")]
    public async Task SecondTorrent_SharingThreeFiles_IsThreeLinks_AlsoWhenItIsOpenedAgain()
    {
        await using var rig = new StoreRig();
        await rig.StartAsync();
        await FinishAsync(rig, First);
        var storage = (await rig.Store.OpenAsync(Request(Second), default).AsTask().DefaultTimeout()).Storage!;
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(storage.HeldPieces, Is.EqualTo(Second.Manifest.PieceCount));
        Assert.That(await rig.ReadMetricAsync("qbsync_hardlinks_created_total"), Is.EqualTo(3));

        // Counters of another run begin at 0, and stay there: the names are made.
        storage = (await rig.RestartAsync()).Single(one => one.Request.Manifest.Id == Second.Manifest.Id);
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(storage.HeldPieces, Is.EqualTo(Second.Manifest.PieceCount));
        Assert.That(await rig.ReadMetricAsync("qbsync_hardlinks_created_total"), Is.Zero);
        Assert.That(await rig.ReadMetricAsync("qbsync_hardlink_errors_total"), Is.Zero);
    }

    [Test]
    [MetricCase("C24")]
    [MetricCase("C26")]
    public async Task Link_MadeButItsFolderNotFlushed_IsAFlushThatFailedAndNoLinkThatFailed()
    {
        await using var rig = new LinkRig();
        rig.Publish(1, 0, "a", LinkRig.Identity());
        rig.Linker.Begin(LinkRig.Torrent(2), 3, LinkRig.Identity(), LinkRig.Source);
        rig.Files.Fault = static call => call.Operation == "SyncFolder" ? FaultyFileSystem.InputOutput : null;

        Assert.That(rig.TryLink(2, 3, ".b"), Is.Null);

        rig.Files.Fault = null;
        Assert.That(await rig.ReadMetricAsync("qbsync_file_sync_errors_total"), Is.EqualTo(1));
        Assert.That(await rig.ReadMetricAsync("qbsync_hardlink_errors_total"), Is.Zero);
    }

    [Test]
    [MetricCase("C20")]
    public async Task Piece_ThatDoesNotMatch_IsCountedHereAndNoFamilyOfASource()
    {
        await using var rig = new StoreRig();
        await rig.StartAsync();
        var storage = (await rig.Store.OpenAsync(Request(First), default).AsTask().DefaultTimeout()).Storage!;
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(StoreRig.Send(storage, First, 2, spoil: static bytes => bytes[7] ^= 1), Is.EqualTo(PieceAckStatus.HashMismatch));
        Assert.That(StoreRig.Send(storage, First, 2), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(await rig.ReadMetricAsync("qbsync_piece_hash_mismatch_total"), Is.EqualTo(1));

        var source = Prometheus.Metrics.NewCustomRegistry();
        _ = new StorageMetrics(Prometheus.Metrics.WithCustomRegistry(source), source, StorageMetrics.Source);
        Assert.That(await ScrapeAsync(source), Does.Not.Contain("qbsync_piece_hash_mismatch_total"));
    }

    [Test]
    [MetricCase("C22")]
    public async Task Piece_OfTwoFilesOnAFullDisk_IsOneErrorAndANack()
    {
        await using var rig = new StoreRig();
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await rig.StartAndOpenAsync(torrent);
        var shared = Enumerable.Range(0, torrent.Manifest.PieceCount).First(piece =>
        {
            List<PieceSegment> segments = [];
            storage.Layout.GetSegments(piece, segments);
            return segments.Count >= 2;
        });
        rig.Files.Fault = static call => call.Operation == "Write" ? FaultyFileSystem.NoSpace : null;

        Assert.That(StoreRig.Send(storage, torrent, shared), Is.EqualTo(PieceAckStatus.NoSpace));

        rig.Files.Fault = null;
        Assert.That(await rig.ReadMetricAsync("qbsync_piece_write_errors_total"), Is.EqualTo(1));
    }

    [TestCase("Sync")]
    [TestCase("SyncFolder")]
    [MetricCase("C24")]
    public async Task Flush_ThatFailsOnce_IsOneError_AndTheFileKeepsItsPartialName(string operation)
    {
        await using var rig = new StoreRig();
        await rig.StartAsync();
        var storage = (await rig.Store.OpenAsync(Request(First), default).AsTask().DefaultTimeout()).Storage!;
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        StoreRig.Send(storage, First, 0);
        var name = operation == "Sync" ? PartialName : "first";
        FailOnce(rig.Files, call => call.Operation == operation && call.Name == name);
        rig.Logs.Expect(StorageEventIds.TorrentStorage + 1);
        await storage.FlushAsync(default).AsTask().DefaultTimeout();

        Assert.That(rig.Files.Fault, Is.Null);
        Assert.That(await rig.ReadMetricAsync("qbsync_file_sync_errors_total"), Is.EqualTo(1));
        Assert.That(rig.ListPartials(), Is.Not.Empty);
        Assert.That(File.Exists(Path.Combine(rig.Data, First.Files[0].RelativePath)), Is.False);
    }

    /// <summary>Before the rename the file is closed, which is where some file systems say that they could not keep it; after it, its folder is flushed.</summary>
    [TestCase("Close", true)]
    [TestCase("SyncFolder", false)]
    [MetricCase("C24")]
    public async Task Publish_ThatFailsOnce_IsOneError_AndTheNextOneWorks(string operation, bool keepsPartialName)
    {
        await using var rig = new StoreRig();
        await rig.StartAsync();
        var storage = (await rig.Store.OpenAsync(Request(First), default).AsTask().DefaultTimeout()).Storage!;
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        StoreRig.SendAll(storage, First);
        Assert.That(await storage.VerifyFileAsync(0, null, default).AsTask().DefaultTimeout(), Is.Zero);
        if (operation == "Close")
        {
            rig.Logs.Expect(StorageEventIds.TorrentStorage + 1);
        }

        FailOnce(rig.Files, operation, operation == "Close" ? PartialName : "a");

        Assert.That(async () => await storage.PublishFilesAsync([0], default).AsTask().DefaultTimeout(), Throws.TypeOf<StorageException>());

        Assert.That(rig.Files.Fault, Is.Null);
        Assert.That(await rig.ReadMetricAsync("qbsync_file_sync_errors_total"), Is.EqualTo(1));
        Assert.That(rig.ListPartials().Any(path => Path.GetFileName(path) == PartialName), Is.EqualTo(keepsPartialName));
        Assert.That(File.Exists(Path.Combine(rig.Data, First.Files[0].RelativePath)), Is.EqualTo(!keepsPartialName));
        Assert.That(storage.IsPublished(0), Is.False);
        await StoreRig.FinishAsync(storage);
        Assert.That(await rig.ReadMetricAsync("qbsync_file_sync_errors_total"), Is.EqualTo(1));
        Assert.That(First.FindDifference(rig.Data), Is.Null);
    }

    [Test]
    [MetricCase("C34")]
    public async Task Torrent_WithThreeOpenFiles_Forgotten_IsThreeEvictionsAndClosesThem()
    {
        using var rig = new ReaderRig();
        First.WriteContent(rig.Folder.Path);
        var location = rig.Locate(First);
        for (var piece = 0; piece < First.Manifest.PieceCount; piece++)
        {
            Assert.That(rig.Reader.ReadVerified(location, piece, new byte[16384]), Is.EqualTo(PieceReadStatus.Read));
        }

        Assert.That(CountOpen(), Is.EqualTo(3));
        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_evictions_total"), Is.Zero);
        rig.Reader.Forget(First.Manifest.Id);
        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_evictions_total"), Is.EqualTo(3));
        Assert.That(CountOpen(), Is.Zero);

        int CountOpen() => Directory.GetFiles("/proc/self/fd").Select(static path => new FileInfo(path).LinkTarget ?? "")
            .Count(target => target.StartsWith(rig.Folder.Path, StringComparison.Ordinal));
    }

    /// <summary>The steps of a file that is made or replaced; the last is its folder's flush after the rename.</summary>
    private static IEnumerable<TestCaseData> Replaces(string caller, string name) =>
    [
        .. new[] { "Unlink", "CreateFile", "Write", "Sync" }.Select(step => new TestCaseData(caller, step, ".tmp-" + name)),
        new(caller, "RenameOver", name),
        new(caller, "SyncFolder", name),
    ];

    private static IEnumerable<TestCaseData> Appends(string caller, string name) =>
        new[] { "OpenFile", "Write", "Sync" }.Select(step => new TestCaseData(caller, step, name));

    private static BuiltTorrent Build(string name, int pieceLength) =>
        new TorrentBuilder(name) { PieceLength = pieceLength }.AddFile("a", 98_304).AddFile("b", 98_304).AddFile("c", 65_536).Build();

    private static StoreRequest Request(BuiltTorrent torrent) => StoreRig.Request(torrent) with
    {
        Identities = [new FileIdentity(4, 100, 98_304, 5), new FileIdentity(4, 101, 98_304, 5), new FileIdentity(4, 102, 65_536, 5)],
    };

    private static async Task<bool> OpensAsync(StoreRig rig)
    {
        try
        {
            return (await rig.Store.OpenAsync(Request(First), default).AsTask().DefaultTimeout()).Storage is not null;
        }
        catch (StorageException)
        {
            return false;
        }
    }

    private static async Task FinishAsync(StoreRig rig, BuiltTorrent torrent)
    {
        var storage = (await rig.Store.OpenAsync(Request(torrent), default).AsTask().DefaultTimeout()).Storage!;
        await storage.SettleAsync(null, default).AsTask().DefaultTimeout();
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
    }

    private static string PartialName => $".{First.Manifest.Id.ToString()[..16]}-0.qbsync-part";

    private static void FailOnce(FaultyFileSystem files, Func<FileCall, bool> isIt) => files.Fault = call =>
    {
        if (!isIt(call))
        {
            return null;
        }

        files.Fault = null;
        return FaultyFileSystem.InputOutput;
    };

    /// <summary>The call fails the first time; for the flush of a folder it is the one after the rename to that name.</summary>
    private static void FailOnce(FaultyFileSystem files, string operation, string name)
    {
        var isRenamed = false;
        FailOnce(files, call =>
        {
            if (operation != "SyncFolder")
            {
                return call.Operation == operation && call.Name == name;
            }

            var isDue = isRenamed && call.Operation == operation;
            isRenamed |= call.Operation is "RenameOver" or "RenameNew" && call.Name == name;
            return isDue;
        });
    }

    private static async Task<string> ScrapeAsync(Prometheus.CollectorRegistry registry)
    {
        using var stream = new MemoryStream();
        await MovedSeries.CollectAsync(registry, stream);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
