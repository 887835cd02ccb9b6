using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class TorrentStoreRecoveryTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [DestinationCase(61)]
    [DestinationCase(62)]
    [DestinationCase(34)]
    public async Task AfterACrash_FlushedPiecesAreHeld_WithoutReading_InANewIncarnation()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] != "tiny", "deep");
        var (incarnation, epoch) = (_rig.Store.Incarnation, storage.Epoch);
        StoreRig.Send(storage, torrent, 0);
        StoreRig.Send(storage, torrent, 4);
        await storage.FlushAsync(default).DefaultTimeout();
        StoreRig.Send(storage, torrent, 1);
        var after = await _rig.CrashAndStartAsync();
        Assert.That(after, Has.Count.EqualTo(1));
        Assert.That((after[0].HeldPieces, after[0].CopyHave()[0], after[0].CopyHave()[4]), Is.EqualTo((2, true, true)));
        Assert.That(_rig.Store.Incarnation, Is.Not.EqualTo(incarnation));
        Assert.That(after[0].Epoch, Is.EqualTo(epoch + 1));
        Assert.That(after[0].Request.Selection, Is.EqualTo(storage.Request.Selection));
        Assert.That(after[0].Request.Place.SubPath, Is.EqualTo(new[] { "deep" }));
        Assert.That(after[0].Request.Parameters.Tags, Is.EqualTo(new[] { "a", "b" }));
        Assert.That(after[0].Request.Source, Is.EqualTo(storage.Request.Source));
        Assert.That(_rig.Files.Calls.Where(static call => call.Operation == "Read" && call.Name.EndsWith("-part", StringComparison.Ordinal)), Is.Empty);
        StoreRig.SendAll(after[0], torrent);
        await StoreRig.FinishAsync(after[0]);
        Assert.That(torrent.FindDifference(_rig.Folder["data", "deep"], static file => file.Path[^1] != "tiny"), Is.Null);
    }

    [Test]
    [DestinationCase(62)]
    public async Task AfterACleanStop_NothingIsLost_AndTheIncarnationStays()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        var (incarnation, epoch) = (_rig.Store.Incarnation, storage.Epoch);
        StoreRig.SendAll(storage, torrent);
        await storage.VerifyFileAsync(0, null, default).DefaultTimeout();
        await storage.PublishFilesAsync([0], default).DefaultTimeout();
        await storage.SetParametersAsync(new TorrentParameters { Category = "films", Limits = ShareLimits.FromNumbers(1.5, -1, -2) }, default).DefaultTimeout();
        await storage.SetPhaseAsync(StoredPhase.Failed, new Refusal(RefusalReason.ClientRefused, "no"), default).DefaultTimeout();
        var after = await _rig.RestartAsync();
        Assert.That((_rig.Store.Incarnation, after[0].Epoch), Is.EqualTo((incarnation, epoch)));
        Assert.That(after[0].Layout.IsComplete(after[0].CopyHave()), Is.True);
        Assert.That((after[0].IsPublished(0), after[0].IsPublished(2)), Is.EqualTo((true, false)));
        Assert.That((after[0].Phase, after[0].Failure?.Reason, after[0].Failure?.Detail), Is.EqualTo((StoredPhase.Failed, RefusalReason.ClientRefused, "no")));
        Assert.That(after[0].Request.Parameters.Category, Is.EqualTo("films"));
        Assert.That(after[0].Request.Parameters.Limits, Is.EqualTo(ShareLimits.FromNumbers(1.5, -1, -2)));
        await StoreRig.FinishAsync(after[0]);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [TestCase("gone")]
    [TestCase("replaced")]
    [TestCase("shorter")]
    [DestinationCase(35)]
    public async Task APartialThatChangedMeanwhile_LosesItsPieces_AndOthersKeepTheirs(string how)
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        await _rig.Store.DisposeAsync();
        var path = _rig.ListPartials().Single(static path => path.Contains("-0.", StringComparison.Ordinal));
        switch (how)
        {
            case "gone":
                File.Delete(path);
                break;
            case "replaced":
                File.WriteAllBytes(path + "2", new byte[200_001]);
                File.Move(path + "2", path, overwrite: true);
                break;
            case "shorter":
                File.WriteAllBytes(path, [1, 2, 3]);
                break;
        }

        storage = (await _rig.StartAsync())[0];
        await storage.SettleAsync(null, default).DefaultTimeout();
        var have = storage.CopyHave();
        Assert.That(Enumerable.Range(0, have.Length).Where(piece => !have[piece]), Is.EqualTo(new[] { 0, 1, 2, 3 }));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    /// <summary>Some clients append a suffix to files until they have checked them; the inode says that they are ours all the same.</summary>
    [TestCase(StoredPhase.AddIntent, true)]
    [TestCase(StoredPhase.Added, true)]
    [TestCase(StoredPhase.Published, false)]
    [ClientCase(37)]
    public async Task AFinalFileUnderTheClientsNameForUncheckedFiles_IsHeldWhileTheClientHasTheTorrent(StoredPhase phase, bool isHeld)
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        await storage.SetPhaseAsync(phase, null, default).DefaultTimeout();
        var path = Path.Combine(_rig.Data, torrent.Files[0].RelativePath);
        File.Move(path, path + ".!qB");

        Assert.That(await storage.CheckPublishedAsync(default).DefaultTimeout(), isHeld ? Is.Empty : Is.EqualTo(new[] { 0 }));
        storage = (await _rig.RestartAsync())[0];
        Assert.That(storage.IsPublished(0), Is.EqualTo(isHeld));
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.EqualTo(isHeld));
        if (isHeld)
        {
            // Another file under that name is not ours, whatever it holds.
            File.Copy(path + ".!qB", path + ".copy");
            File.Move(path + ".copy", path + ".!qB", overwrite: true);
            Assert.That(await storage.CheckPublishedAsync(default).DefaultTimeout(), Is.EqualTo(new[] { 0 }));
        }
    }

    [TestCase("RenameNew")]
    [TestCase("SyncFolder")]
    [TestCase("journal")]
    public async Task ACrashWhilePublishing_IsFinishedByInode(string where)
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        foreach (var file in new[] { 0, 2, 3, 4 })
        {
            await storage.VerifyFileAsync(file, null, default).DefaultTimeout();
        }

        var isRenamed = false;
        _rig.Files.Fault = call =>
        {
            var isHere = where switch
            {
                "RenameNew" => call.Operation == "RenameNew",
                "SyncFolder" => isRenamed && call.Operation == "SyncFolder",
                _ => isRenamed && call is { Operation: "Write", Name: "journal" },
            };
            isRenamed |= call.Operation == "RenameNew";
            if (isHere)
            {
                _rig.Files.Crash();
            }

            return null;
        };
        Assert.That(async () => await storage.PublishFilesAsync([0], default).DefaultTimeout(), Throws.InstanceOf<StorageException>().Or.InstanceOf<ObjectDisposedException>());
        storage = (await _rig.CrashAndStartAsync())[0];
        Assert.That(storage.IsPublished(0), Is.EqualTo(where != "RenameNew"));
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
        Assert.That(_rig.ListPartials(), Is.Empty);
    }

    [Test]
    [DestinationCase(60)]
    public async Task EveryPrefixOfAJournal_IsAnOlderTruth()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        for (var piece = 0; piece < 4; piece++)
        {
            StoreRig.Send(storage, torrent, piece);
            await storage.FlushAsync(default).DefaultTimeout();
        }

        await _rig.Store.DisposeAsync();
        var path = _rig.Folder["state", "torrents", torrent.Id.ToString(), "journal"];
        var whole = File.ReadAllBytes(path);
        _rig.Logs.Expect(StorageEventIds.TorrentStore + 3);
        var last = 0;
        for (var length = whole.Length; length > 0; length -= length > 300 ? 41 : 13)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(Path.Combine(Path.GetDirectoryName(path)!, "torrent"), torrent.Bytes);
            File.WriteAllBytes(path, [.. whole[..length], .. (byte[])[0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 8, 1, 2]]);
            var found = await _rig.StartAsync();
            var held = found.Count == 0 ? 0 : found[0].HeldPieces;
            Assert.That(held, length == whole.Length ? Is.EqualTo(4) : Is.LessThanOrEqualTo(last));
            Assert.That(Directory.Exists(_rig.Folder["state", "quarantine"]), Is.EqualTo(found.Count == 0), "what cannot be trusted is set aside whole");
            last = held;
            await _rig.Store.DisposeAsync();
            if (found.Count == 0)
            {
                return;
            }
        }
    }

    [Test]
    [DestinationCase(30)]
    [DestinationCase(36)]
    public async Task DamagedState_IsSetAside_AndTheTorrentOpensAnew()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStore + 3);
        var torrent = TorrentStorageReceivingTests.Mixed();
        var other = new Testing.Torrents.TorrentBuilder("other") { Length = 70_000 }.Build();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        StoreRig.SendAll(await _rig.OpenAsync(other), other);
        await _rig.Store.DisposeAsync();
        File.WriteAllBytes(_rig.Folder["state", "torrents", torrent.Id.ToString(), "torrent"], other.Bytes);
        var found = await _rig.StartAsync();
        Assert.That(found.Select(static found => found.Request.Manifest.Id), Is.EqualTo(new[] { other.Id }));
        Assert.That(Directory.GetDirectories(_rig.Folder["state", "quarantine"]).Select(Path.GetFileName), Is.EqualTo(new[] { $"{torrent.Id}.1" }));
        Assert.That((await _rig.OpenAsync(torrent)).HeldPieces, Is.EqualTo(1), "the partial file is hashed again");
    }

    [Test]
    public async Task ASecondProcess_IsToldWhoHasTheState()
    {
        await _rig.StartAsync();
        await using var second = new StoreRig();
        second.Options.MinFreeBytes = 0;
        var store = new Storage.Pieces.TorrentStore(
            new StorageOptions { DataRoot = _rig.Data, StateDirectory = _rig.State },
            Prometheus.Metrics.WithCustomRegistry(second.Registry),
            second.Registry,
            second.Logs,
            second.Time);
        Assert.That(
            async () => await store.RecoverAsync(default).DefaultTimeout(),
            Throws.TypeOf<StorageException>().With.Property("Fault").EqualTo(StorageFault.Locked).And.Message.Contains($"process {Environment.ProcessId}"));
        await store.DisposeAsync();
    }

    [Test]
    [DestinationCase(12)]
    public async Task AnEmptyFolderInPlaceOfTheKnownOne_IsRefused_AndAFreshOneIsMarked()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        await _rig.Store.DisposeAsync();
        Directory.Move(_rig.Data, _rig.Folder["unmounted"]);
        _rig.Folder.CreateFolder("data");
        Assert.That(
            async () => await _rig.StartAsync(),
            Throws.TypeOf<StorageException>().With.Property("Fault").EqualTo(StorageFault.NotUsable));
        Assert.That(Directory.GetFileSystemEntries(_rig.Data), Is.Empty);
        Directory.Delete(_rig.Data);
        Directory.Move(_rig.Folder["unmounted"], _rig.Data);
        Assert.That((await _rig.StartAsync())[0].HeldPieces, Is.EqualTo(torrent.Manifest.PieceCount));
    }

    [Test]
    public async Task AnInterruptedDiscard_GoesOnAtTheStart()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.SendAll(storage, torrent);
        await storage.FlushAsync(default).DefaultTimeout();
        _rig.Files.Fault = call =>
        {
            if (call.Operation == "Unlink" && call.Name.EndsWith("-3.qbsync-part", StringComparison.Ordinal))
            {
                _rig.Files.Crash();
            }

            return null;
        };
        Assert.That(async () => await storage.DiscardAsync(false, default).DefaultTimeout(), Throws.InstanceOf<StorageException>().Or.InstanceOf<ObjectDisposedException>());
        Assert.That(await _rig.CrashAndStartAsync(), Is.Empty);
        Assert.That(Directory.GetFileSystemEntries(_rig.Data).Select(Path.GetFileName), Is.EqualTo(new[] { ".qbsync" }));
        Assert.That(Directory.GetFileSystemEntries(_rig.Folder["state", "torrents"]), Is.Empty);
    }

    [Test]
    public async Task AJournalThatGrows_IsRewritten_AndSaysTheSame()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 2);
        var path = _rig.Folder["state", "torrents", torrent.Id.ToString(), "journal"];
        for (var i = 0; i < 30; i++)
        {
            await storage.SetParametersAsync(new TorrentParameters { Category = new string((char)('a' + i % 26), 100_000) }, default).DefaultTimeout();
            Assert.That(new FileInfo(path).Length, Is.LessThan((1 << 20) + 200_000));
        }

        await storage.FlushAsync(default).DefaultTimeout();
        storage = (await _rig.CrashAndStartAsync())[0];
        Assert.That((storage.HeldPieces, storage.CopyHave()[2], storage.Request.Parameters.Category[0]), Is.EqualTo((1, true, 'd')));
    }

    [Test]
    public async Task StateThatCannotBeReadNow_IsLeftAlone_AndOthersGoOn()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStore + 2);
        var torrent = TorrentStorageReceivingTests.Mixed();
        var other = new Testing.Torrents.TorrentBuilder("other") { Length = 70_000 }.Build();
        StoreRig.SendAll(await _rig.StartAndOpenAsync(torrent), torrent);
        StoreRig.SendAll(await _rig.OpenAsync(other), other);
        await _rig.Store.DisposeAsync();
        var path = Path.Combine("torrents", torrent.Id.ToString());
        _rig.Files.Fault = call => call.Operation == "OpenFolder" && call.Name == path ? IO.FaultyFileSystem.InputOutput : null;
        Assert.That((await _rig.StartAsync()).Select(static found => found.Request.Manifest.Id), Is.EqualTo(new[] { other.Id }));
        _rig.Files.Fault = null;
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout();
        Assert.That(outcome.Refusal?.Reason, Is.EqualTo(RefusalReason.StorageError));
        var after = await _rig.RestartAsync();
        Assert.That(after.Select(static found => found.HeldPieces), Is.EquivalentTo(new[] { torrent.Manifest.PieceCount, other.Manifest.PieceCount }));
    }
}
