using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>A flush that takes long, against everything that happens meanwhile.</summary>
public sealed class TorrentStorageRacesTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder("t") { PieceLength = 16384 }.AddFile("a", 100_000).AddFile("b", 100_000).Build();
    private static readonly BuiltTorrent Other = new TorrentBuilder("o") { PieceLength = 16384, Length = 50_000 }.Build();
    private readonly ManualResetEventSlim _release = new();
    private TaskCompletionSource _inside = null!;
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp()
    {
        _rig = new StoreRig();
        _inside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _release.Reset();
    }

    [TearDown]
    public async Task TearDown()
    {
        _release.Set();
        await _rig.DisposeAsync();
    }

    [OneTimeTearDown]
    public void OneTimeTearDown() => _release.Dispose();

    [Test]
    [DestinationCase(55)]
    public async Task SlowFsync_HoldsNothingElse_AndBitsThatCameMeanwhileStayDirty()
    {
        var storage = await _rig.StartAndOpenAsync(Torrent);
        var other = await _rig.OpenAsync(Other);
        StoreRig.Send(storage, Torrent, 0);
        var flush = BeginSlowFlush(storage);
        await _inside.Task.DefaultTimeout();
        Assert.That(StoreRig.Send(storage, Torrent, 1), Is.EqualTo(PieceAckStatus.Accepted));
        StoreRig.SendAll(other, Other);
        await StoreRig.FinishAsync(other);
        Assert.That(await _rig.ReadMetricAsync("qbsync_torrents_with_dirty_state"), Is.EqualTo(1));
        Assert.That((storage.CopyHave().Count, _rig.Store.GetTrouble()), Is.EqualTo((2, (Refusal?)null)));
        _release.Set();
        await flush.DefaultTimeout();
        Assert.That(await _rig.ReadMetricAsync("qbsync_torrents_with_dirty_state"), Is.EqualTo(1), "the second piece is not flushed");
        var found = (await _rig.CrashAndStartAsync()).Single(one => one.Request.Manifest.Id == Torrent.Manifest.Id);
        Assert.That((found.CopyHave()[0], found.CopyHave()[1]), Is.EqualTo((true, false)));
    }

    [Test]
    [DestinationCase(65)]
    public async Task OlderFlush_AgainstBitsThatWereLostMeanwhile_NeverWins()
    {
        var storage = await _rig.StartAndOpenAsync(Torrent);
        StoreRig.Send(storage, Torrent, 0);
        StoreRig.Send(storage, Torrent, 8);
        var flush = BeginSlowFlush(storage);
        await _inside.Task.DefaultTimeout();
        File.Delete(_rig.ListPartials().Single(static path => path.Contains("-0.", StringComparison.Ordinal)));
        _release.Set();
        await flush.DefaultTimeout();
        storage = (await _rig.CrashAndStartAsync()).Single();
        Assert.That((storage.CopyHave()[0], storage.CopyHave()[8]), Is.EqualTo((false, true)));
    }

    [Test]
    [DestinationCase(65)]
    public async Task OlderFlush_AgainstAnAbort_CreatesNothing()
    {
        var storage = await _rig.StartAndOpenAsync(Torrent);
        StoreRig.Send(storage, Torrent, 0);
        var flush = BeginSlowFlush(storage);
        await _inside.Task.DefaultTimeout();
        var discard = storage.DiscardAsync(false, default).AsTask();
        _release.Set();
        await flush.DefaultTimeout();
        await discard.DefaultTimeout();
        Assert.That(await storage.FlushAsync(default), Is.Zero);
        Assert.That(Directory.GetFileSystemEntries(_rig.Folder["state", "torrents"]), Is.Empty);
        Assert.That(_rig.ListPartials(), Is.Empty);
        Assert.That(await _rig.RestartAsync(), Is.Empty);
    }

    [Test]
    [DestinationCase(65)]
    public async Task OlderFlush_AgainstComplete_NeverWins()
    {
        var storage = await _rig.StartAndOpenAsync(Torrent);
        StoreRig.SendAll(storage, Torrent);
        var flush = BeginSlowFlush(storage);
        await _inside.Task.DefaultTimeout();
        var phase = storage.SetPhaseAsync(StoredPhase.Complete, null, default).AsTask();
        Assert.That(storage.Phase, Is.EqualTo(StoredPhase.Receiving));
        _release.Set();
        await flush.DefaultTimeout();
        await phase.DefaultTimeout();
        storage = (await _rig.CrashAndStartAsync()).Single();
        Assert.That((storage.Phase, storage.HeldPieces), Is.EqualTo((StoredPhase.Complete, Torrent.Manifest.PieceCount)));
    }

    [TestCase("Sync")]
    [TestCase("Read")]
    [DestinationCase(64)]
    public async Task FailureWhilePublishingRacesAnAbort_IsNeverPublished(string operation)
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 1);
        var storage = await _rig.StartAndOpenAsync(Torrent);
        StoreRig.SendAll(storage, Torrent);
        _rig.Files.Fault = call =>
        {
            if (call.Operation != operation || !call.Name.EndsWith("-0.qbsync-part", StringComparison.Ordinal))
            {
                return null;
            }

            if (_inside.TrySetResult())
            {
                _release.Wait();
            }

            return FaultyFileSystem.InputOutput;
        };
        var publish = Task.Run(async () =>
        {
            await storage.VerifyFileAsync(0, null, default);
            return await storage.PublishFilesAsync([0], default);
        });
        await _inside.Task.DefaultTimeout();
        var discard = storage.DiscardAsync(false, default).AsTask();
        _release.Set();
        Assert.That(async () => await publish.DefaultTimeout(), Throws.TypeOf<StorageException>());
        await discard.DefaultTimeout();
        Assert.That(Directory.GetFiles(_rig.Data, "*", SearchOption.AllDirectories).Select(Path.GetFileName), Is.EqualTo(new[] { "root" }));
    }

    [Test]
    [DestinationCase(57)]
    public async Task TenThousandMismatches_FillNoLog()
    {
        var storage = await _rig.StartAndOpenAsync(Other);
        for (var i = 0; i < 10_000; i++)
        {
            Assert.That(StoreRig.Send(storage, Other, 3, spoil: static bytes => bytes[0] ^= 1), Is.EqualTo(PieceAckStatus.HashMismatch));
        }

        Assert.That(_rig.Logs.Entries, Has.Count.LessThanOrEqualTo(3));
        Assert.That(await _rig.ReadMetricAsync("qbsync_piece_hash_mismatch_total"), Is.EqualTo(10_000));
    }

    private Task BeginSlowFlush(ITorrentStorage storage)
    {
        _rig.Files.Fault = call =>
        {
            if (call.Operation == "Sync" && call.Name.EndsWith("-0.qbsync-part", StringComparison.Ordinal)
                && call.Name.Contains(Torrent.Manifest.Id.ToString()[..16], StringComparison.Ordinal) && _inside.TrySetResult())
            {
                _release.Wait();
            }

            return null;
        };
        return storage.FlushAsync(default).AsTask();
    }
}
