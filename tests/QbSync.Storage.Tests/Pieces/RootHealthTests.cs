using QbSync.Outcomes;
using QbSync.Storage.IO.Native;
using QbSync.Storage.State;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class RootHealthTests
{
    private const int Broken = StorageEventIds.RootHealth;
    private static readonly BuiltTorrent Torrent = new TorrentBuilder("t") { PieceLength = 16384 }.AddFile("a", 100_000).AddFile("b", 100_000).Build();
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [DestinationCase(63)]
    public async Task ThreeFailedFlushes_TakeTheRootOutOfUse_AndAProbeBringsItBack()
    {
        _rig.Logs.Expect(Broken);
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 1);
        var storage = await _rig.StartAndOpenAsync(Torrent);
        _rig.Files.Fault = static call => call.Operation == "Sync" && IsContent(call.Name) ? FaultyFileSystem.InputOutput : null;
        for (var i = 0; i < 3; i++)
        {
            Assert.That(_rig.Store.GetTrouble(), Is.Null);
            Assert.That(StoreRig.Send(storage, Torrent, 0), Is.EqualTo(PieceAckStatus.Accepted));
            await storage.FlushAsync(default);
        }

        Assert.That(_rig.Store.GetTrouble()?.Reason, Is.EqualTo(RefusalReason.StorageError));
        Assert.That(storage.Begin(0, out _), Is.EqualTo(PieceAckStatus.StorageError));
        _rig.Time.Advance(TimeSpan.FromSeconds(30));
        await Eventually.BecomesTrueAsync(() => _rig.Files.Calls.Any(static call => call is { Operation: "Sync", Name: ".tmp-probe" }));
        Assert.That(storage.Begin(0, out _), Is.EqualTo(PieceAckStatus.StorageError));
        _rig.Files.Fault = null;
        await Eventually.BecomesTrueAsync(() =>
        {
            _rig.Time.Advance(TimeSpan.FromSeconds(30));
            return _rig.Store.GetTrouble() is null;
        });
        StoreRig.SendAll(storage, Torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(Torrent.FindDifference(_rig.Data), Is.Null);
        Assert.That(_rig.Folder["data", ".qbsync", ".tmp-probe"], Does.Not.Exist);
    }

    [Test]
    public async Task FailedFlushesFarApart_TakeNothingOutOfUse()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 1);
        var storage = await _rig.StartAndOpenAsync(Torrent);
        _rig.Files.Fault = static call => call.Operation == "Sync" && IsContent(call.Name) ? FaultyFileSystem.InputOutput : null;
        for (var i = 0; i < 5; i++)
        {
            StoreRig.Send(storage, Torrent, 0);
            await storage.FlushAsync(default);
            _rig.Time.Advance(TimeSpan.FromMinutes(6));
        }

        Assert.That(_rig.Store.GetTrouble(), Is.Null);
    }

    [Test]
    public async Task DeviceThatTurnedReadOnly_IsOutOfUseAtOnce()
    {
        _rig.Logs.Expect(Broken);
        var storage = await _rig.StartAndOpenAsync(Torrent);
        _rig.Files.Fault = static call => call.Operation == "Write" && IsContent(call.Name) ? StorageFaults.Create(Errno.ReadOnly, "write", call.Name) : null;
        Assert.That(StoreRig.Send(storage, Torrent, 0), Is.EqualTo(PieceAckStatus.StorageError));
        Assert.That(_rig.Store.GetTrouble()?.Reason, Is.EqualTo(RefusalReason.StorageError));
        Assert.That(storage.Begin(1, out _), Is.EqualTo(PieceAckStatus.StorageError));
    }

    [Test]
    [DestinationCase(12)]
    public async Task RootThatIsReplacedWhileRunning_IsMissing_NothingIsMade_AndItComesBack()
    {
        var storage = await _rig.StartAndOpenAsync(Torrent);
        Directory.Move(_rig.Data, _rig.Data + "2");
        Directory.CreateDirectory(_rig.Data);
        _rig.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(_rig.Store.GetTrouble()?.Reason, Is.EqualTo(RefusalReason.RootMissing));
        Assert.That(storage.Begin(0, out _), Is.EqualTo(PieceAckStatus.StorageError));
        Assert.That(Directory.GetFileSystemEntries(_rig.Data), Is.Empty);
        Directory.Delete(_rig.Data);
        Directory.Move(_rig.Data + "2", _rig.Data);
        Assert.That(_rig.Store.GetTrouble(), Is.Null);
        StoreRig.SendAll(storage, Torrent);
    }

    [Test]
    [DestinationCase(66)]
    public async Task JournalThatCannotBeWritten_StopsItsTorrent_AndHealsByItself()
    {
        _rig.Logs.Expect(StorageEventIds.StateFlusher);
        var storage = await _rig.StartAndOpenAsync(Torrent);
        _rig.Files.Fault = static call => call is { Operation: "Sync", Name: "journal" or ".tmp-journal" } ? FaultyFileSystem.InputOutput : null;
        Assert.That(async () => await storage.SetUncontactedAsync(TimeSpan.FromHours(1), default), Throws.TypeOf<StorageException>());
        Assert.That((storage.Begin(0, out _), storage.Failure, storage.Uncontacted), Is.EqualTo((PieceAckStatus.StorageError, (Refusal?)null, TimeSpan.Zero)));
        _rig.Files.Fault = null;
        await Eventually.BecomesTrueAsync(() =>
        {
            _rig.Time.Advance(_rig.Options.FlushInterval);
            return storage.Begin(0, out _) == PieceAckStatus.Pending;
        });
        await storage.SetUncontactedAsync(TimeSpan.FromHours(2), default);
        Assert.That((await _rig.CrashAndStartAsync()).Single().Uncontacted, Is.EqualTo(TimeSpan.FromHours(2)));
    }

    [TestCase(2, false)]
    [TestCase(3, true)]
    [DestinationCase(125)]
    public async Task SessionWhoseRecoveryEndedTheProcess_IsTriedThreeTimes_ThenSetAside(int attempts, bool isSetAside)
    {
        if (isSetAside)
        {
            _rig.Logs.Expect(StorageEventIds.TorrentStore + 3);
            _rig.Logs.Expect(StorageEventIds.TorrentStore + 4);
        }

        var other = new TorrentBuilder("o") { PieceLength = 16384, Length = 50_000 }.Build();
        await _rig.StartAndOpenAsync(Torrent);
        await _rig.OpenAsync(other);
        await _rig.Store.DisposeAsync();
        await File.WriteAllTextAsync(_rig.Folder["state", "recovering"], $"{Torrent.Manifest.Id} {attempts}".PadRight(95) + "\n");
        var found = await _rig.StartAsync();
        Assert.That(found, Has.Count.EqualTo(isSetAside ? 1 : 2));
        Assert.That(_rig.Folder["state", "recovering"], Does.Not.Exist);
        Assert.That(Directory.Exists(_rig.Folder["state", "quarantine", $"{Torrent.Manifest.Id}.1"]), Is.EqualTo(isSetAside));
    }

    [Test]
    public void Marks_OfSessionsInHand_OutliveTheProcess()
    {
        using var folder = new Testing.Machine.TempDirectory();
        using var state = Storage.IO.RootDirectory.Open(Storage.IO.LinuxFileSystem.Create(), folder["state"], create: true);
        var (first, second) = (Torrent.Manifest.Id, Torrents.InfoHash.FromBytes(new byte[32]));
        using (var marks = RecoveryMarks.Open(state))
        {
            marks.Enter(first).Dispose();
            marks.Enter(second);
        }

        using (var marks = RecoveryMarks.Open(state))
        {
            Assert.That(marks.Attempts, Is.EqualTo(new Dictionary<Torrents.InfoHash, int> { [second] = 1 }));
            marks.Enter(first);
        }

        using (var marks = RecoveryMarks.Open(state))
        {
            Assert.That(marks.Attempts, Is.EqualTo(new Dictionary<Torrents.InfoHash, int> { [first] = 1, [second] = 1 }));
            marks.Enter(second);
        }

        using (var marks = RecoveryMarks.Open(state))
        {
            Assert.That(marks.Attempts[second], Is.EqualTo(2));
            marks.Clear();
        }

        Assert.That(folder["state", "recovering"], Does.Not.Exist);
    }

    private static bool IsContent(string name) => name.EndsWith("-part", StringComparison.Ordinal) || name == ".tmp-probe";
}
