using QbSync.Outcomes;
using QbSync.Storage.Pieces;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class TorrentStorageReadBackTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder("t") { PieceLength = 16384, Length = 1_000_003 }.Build();
    private static readonly BuiltTorrent Large = new TorrentBuilder("large") { PieceLength = 1 << 20, Length = (40 << 20) + 7 }.Build();
    private StoreRig _rig = null!;
    private long _bytesTold;

    [SetUp]
    public void SetUp() => (_rig, _bytesTold) = (new StoreRig(), 0);

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(73)]
    public async Task StaleAnswerOfAnotherMachine_IsLookedAtAgain_AndIsNoVerdict(bool isShort)
    {
        _rig.Files.IsRemote = true;
        var storage = await ReceiveAsync();
        var reads = 0;
        _rig.Files.AfterRead = (name, bytes) =>
        {
            if (!name.EndsWith("-part", StringComparison.Ordinal) || ++reads is not (1 or 3 or 5))
            {
                return bytes.Length;
            }

            bytes.Clear();
            return isShort ? 0 : bytes.Length;
        };
        var verify = storage.VerifyFileAsync(0, null, default).AsTask();
        await WhileWaitingAsync(verify);
        Assert.That((await verify, storage.HeldPieces), Is.EqualTo((0, Torrent.Manifest.PieceCount)));
        Assert.That(_rig.Files.Calls.Count(static call => call.Operation == "OpenFile" && call.Name.EndsWith("-part", StringComparison.Ordinal)), Is.GreaterThan(3), "each second look opens anew");
    }

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(73)]
    public async Task WrongBytes_AreBadAtTheSecondLook_AndAtOnceOnADiskOfOurs(bool isRemote)
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 5);
        _rig.Files.IsRemote = isRemote;
        var storage = await ReceiveAsync();
        using (var file = File.OpenHandle(_rig.ListPartials().Single(), access: FileAccess.Write))
        {
            RandomAccess.Write(file, [0xde, 0xad], 100_000);
        }

        var verify = storage.VerifyFileAsync(0, null, default).AsTask();
        if (isRemote)
        {
            await WhileWaitingAsync(verify);
        }

        Assert.That(await verify.DefaultTimeout(), Is.EqualTo(1));
    }

    [TestCase(ReadBackSource.Media, 1)]
    [TestCase(ReadBackSource.Cached, 0)]
    public async Task ReadBackFromTheDevice_DropsWhatTheSystemKeeps(ReadBackSource source, int drops)
    {
        _rig.Options.ReadBack = source;
        var storage = await ReceiveAsync();
        Assert.That(await storage.VerifyFileAsync(0, null, default), Is.Zero);
        Assert.That(_rig.Files.Calls.Count(static call => call.Operation == "DropCache"), Is.EqualTo(drops));
    }

    /// <summary>What was read before the doubt says nothing of what there is after it.</summary>
    [Test]
    public async Task DoubtThatComesWhileItIsReadBack_HasItReadAgain()
    {
        var storage = await ReceiveAsync();
        var inode = FileOf(storage).Record!.Inode;
        Assert.That(await storage.VerifyFileAsync(0, new Told(_ => ((TorrentStorage)storage).Doubt(inode)), default).DefaultTimeout(), Is.Positive);
        Assert.That(async () => await storage.PublishFilesAsync([0], default), Throws.TypeOf<StorageException>(), "it was not read back");
        _rig.Files.ClearCalls();
        Assert.That(await storage.VerifyFileAsync(0, null, default).DefaultTimeout(), Is.Zero);
        Assert.That(_rig.Files.Calls.Any(static call => call.Operation == "Read" && call.Name.EndsWith("-part", StringComparison.Ordinal)), Is.True);
        Assert.That(await storage.PublishFilesAsync([0], default).DefaultTimeout(), Is.Null);
    }

    /// <summary>The journal takes the bits between two looks at them.</summary>
    [Test]
    public async Task DoubtThatComesWhileTheJournalTakesIt_HasItReadAgain_AlsoAfterACrash()
    {
        var storage = await ReceiveAsync();
        var inode = FileOf(storage).Record!.Inode;
        _rig.Files.Fault = call =>
        {
            if (call is { Operation: "Sync", Name: "journal" })
            {
                ((TorrentStorage)storage).Doubt(inode);
            }

            return null;
        };
        Assert.That(await storage.VerifyFileAsync(0, null, default).DefaultTimeout(), Is.EqualTo(Torrent.Manifest.PieceCount));
        _rig.Files.Fault = null;
        await storage.FlushAsync(default).DefaultTimeout();
        storage = (await _rig.CrashAndStartAsync()).Single();
        Assert.That(storage.HeldPieces, Is.EqualTo(Torrent.Manifest.PieceCount));
        _rig.Files.ClearCalls();
        Assert.That(await storage.VerifyFileAsync(0, null, default).DefaultTimeout(), Is.Zero);
        Assert.That(_rig.Files.Calls.Any(static call => call.Operation == "Read" && call.Name.EndsWith("-part", StringComparison.Ordinal)), Is.True);
    }

    [Test]
    [DestinationCase(77)]
    public async Task RestartWhileVerifying_GoesOnFromTheCheckpoint()
    {
        var storage = await ReceiveAsync();
        var reads = 0;
        _rig.Files.Fault = call =>
        {
            if (call.Operation == "Read" && call.Name.EndsWith("-part", StringComparison.Ordinal))
            {
                if (++reads == 31)
                {
                    _rig.Files.Crash();
                    return FaultyFileSystem.InputOutput;
                }

                _rig.Time.Advance(TimeSpan.FromSeconds(2));
            }

            return null;
        };
        Assert.That(async () => await storage.VerifyFileAsync(0, null, default), Throws.TypeOf<StorageException>());
        storage = (await _rig.CrashAndStartAsync()).Single();
        _rig.Files.ClearCalls();
        Assert.That(await storage.VerifyFileAsync(0, null, default), Is.Zero);
        var again = _rig.Files.Calls.Count(static call => call.Operation == "Read" && call.Name.EndsWith("-part", StringComparison.Ordinal));
        Assert.That(again, Is.EqualTo(Torrent.Manifest.PieceCount - 30), "checkpoints came after 15 and 30 pieces");
    }

    [Test]
    [DestinationCase(77)]
    public async Task StopWhileVerifying_KeepsWhatWasRead()
    {
        var storage = await ReceiveAsync();
        using var stop = new CancellationTokenSource();
        var reads = 0;
        _rig.Files.Fault = call =>
        {
            if (call.Operation == "Read" && call.Name.EndsWith("-part", StringComparison.Ordinal) && ++reads == 20)
            {
                stop.Cancel();
            }

            return null;
        };
        Assert.That(async () => await storage.VerifyFileAsync(0, null, stop.Token), Throws.InstanceOf<OperationCanceledException>());
        _rig.Files.ClearCalls();
        Assert.That(await storage.VerifyFileAsync(0, null, default), Is.Zero);
        Assert.That(_rig.Files.Calls.Count(static call => call.Operation == "Read" && call.Name.EndsWith("-part", StringComparison.Ordinal)), Is.EqualTo(Torrent.Manifest.PieceCount - 20));
    }

    [TestCase(0)]
    [TestCase(6)]
    [TestCase(40)]
    public async Task LargeFile_WrongBytes_AreFoundByWhicheverReader(int piece)
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 5);
        var storage = await ReceiveAsync(Large);
        using (var file = File.OpenHandle(_rig.ListPartials().Single(), access: FileAccess.Write))
        {
            RandomAccess.Write(file, [0xde, 0xad], ((long)piece << 20) + 1);
        }

        var told = new List<long>();
        Assert.That(await storage.VerifyFileAsync(0, new Told(told.Add), default), Is.EqualTo(1));
        Assert.That(told, Is.Ordered);
        Assert.That(told[^1], Is.EqualTo((40 << 20) + 7));
        Assert.That(StoreRig.Send(storage, Large, piece), Is.EqualTo(PieceAckStatus.Accepted), "it is wanted again");
        Assert.That(await storage.VerifyFileAsync(0, null, default), Is.Zero);
    }

    [Test]
    public async Task LargeFile_StopWhileVerifying_KeepsWhatWasRead()
    {
        var storage = await ReceiveAsync(Large);
        using var stop = new CancellationTokenSource();
        _rig.Files.Fault = call =>
        {
            // A reader of the second go: the pieces of the first are known.
            if (call.Operation == "Read" && Volatile.Read(ref _bytesTold) >= 8 << 20)
            {
                stop.Cancel();
            }

            return null;
        };
        var told = new Told(bytes => Volatile.Write(ref _bytesTold, bytes));
        Assert.That(async () => await storage.VerifyFileAsync(0, told, stop.Token), Throws.InstanceOf<OperationCanceledException>());
        var again = new List<long>();
        Assert.That(await storage.VerifyFileAsync(0, new Told(again.Add), default), Is.Zero);
        Assert.That(again[^1], Is.LessThanOrEqualTo(32 << 20));
    }

    private static StoredFile FileOf(Ports.ITorrentStorage storage) => ((TorrentStorage)storage).FindFile(0)!;

    private Task<Ports.ITorrentStorage> ReceiveAsync() => ReceiveAsync(Torrent);

    private async Task<Ports.ITorrentStorage> ReceiveAsync(BuiltTorrent torrent)
    {
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.Held));
        await storage.FlushAsync(default);
        return storage;
    }

    private Task WhileWaitingAsync(Task work) => Eventually.BecomesTrueAsync(() =>
    {
        _rig.Time.Advance(TimeSpan.FromSeconds(1));
        return work.IsCompleted;
    });

    private sealed class Told(Action<long> take) : IProgress<long>
    {
        public void Report(long value) => take(value);
    }
}
