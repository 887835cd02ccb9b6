using QbSync.Outcomes;
using QbSync.Storage.State;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>Content that is here before the torrent is, or instead of it.</summary>
public sealed class SettlingTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [DestinationCase(33)]
    [MetricCase("A20")]
    public async Task EverythingIsThere_AllIsDeferred_AndEachByteIsReadOnce()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        torrent.WriteContent(_rig.Data);
        await _rig.StartAsync();
        var storage = (await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout()).Storage!;
        Assert.That((storage.DeferredPieces, storage.HeldPieces), Is.EqualTo((torrent.Manifest.PieceCount, 0)));
        Assert.That(_rig.Files.Calls.Where(static call => call.Operation == "Read" && call.Name.Contains(".bin", StringComparison.Ordinal)), Is.Empty, "opening reads no content");
        Assert.That(storage.Begin(0, out _), Is.EqualTo(PieceAckStatus.Busy));
        var read = new Counted();
        var settled = await storage.SettleAsync(read, default).DefaultTimeout();
        Assert.That((settled.Found, settled.Dropped, settled.IsWaiting, read.Last), Is.EqualTo((torrent.Manifest.PieceCount, 0, false, torrent.Manifest.ContentLength)));
        Assert.That(await _rig.ReadMetricAsync("qbsync_bytes_reused_total{how=\"adopted\"}"), Is.EqualTo(torrent.Manifest.ContentLength));
        await StoreRig.FinishAsync(storage);
        Assert.That(await _rig.ReadMetricAsync("qbsync_bytes_reused_total"), Is.EqualTo(torrent.Manifest.ContentLength), "each byte once, and none of them linked");
        Assert.That(_rig.ListPartials(), Is.Empty);
    }

    [Test]
    [DestinationCase(32)]
    public async Task AHalfWrittenFileOfRightSize_IsAConflict_UntilTheRightOneStandsThere()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        BuiltTorrent.WriteFile(_rig.Data, torrent.Files[3]);
        var path = _rig.Folder["data", torrent.Files[3].RelativePath];
        var bytes = torrent.ReadFile(3);
        bytes.AsSpan(150_000).Clear();
        File.WriteAllBytes(path, bytes);
        await _rig.StartAsync();
        var storage = (await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout()).Storage!;
        var settled = await storage.SettleAsync(null, default).DefaultTimeout();
        Assert.That(settled.Conflict?.Detail, Does.Contain("two.bin"));
        StoreRig.SendAll(storage, torrent, except: [.. Enumerable.Range(0, torrent.Manifest.PieceCount).Where(piece => storage.CopyDeferred()[piece])]);
        Assert.That(await storage.FlushAsync(default).DefaultTimeout(), Is.Zero);
        storage = (await _rig.CrashAndStartAsync())[0];
        Assert.That((await storage.SettleAsync(null, default).DefaultTimeout()).Conflict, Is.Not.Null, "a start knows it too");
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(bytes));
        BuiltTorrent.WriteFile(_rig.Data, torrent.Files[3]);
        settled = await storage.SettleAsync(null, default).DefaultTimeout();
        Assert.That((settled.Conflict, settled.IsWaiting, settled.Dropped), Is.EqualTo(((Refusal?)null, false, 0)));
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(37)]
    public async Task StateOfAnOldBackup_OverwritesNothing_AndNothingIsSentThatIsThere()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        await _rig.Store.DisposeAsync();
        CopyFolder(_rig.State, _rig.Folder["backup"]);
        storage = (await _rig.StartAsync())[0];
        StoreRig.SendAll(storage, torrent);
        await storage.VerifyFileAsync(0, null, default).DefaultTimeout();
        await storage.PublishFilesAsync([0], default).DefaultTimeout();
        await _rig.Store.DisposeAsync();
        foreach (var isLost in new[] { false, true })
        {
            Directory.Delete(_rig.State, recursive: true);
            if (isLost)
            {
                storage = await _rig.StartAndOpenAsync(torrent);
            }
            else
            {
                CopyFolder(_rig.Folder["backup"], _rig.State);
                storage = (await _rig.StartAsync())[0];
                await storage.SettleAsync(null, default).DefaultTimeout();
            }

            Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True);
            await _rig.Store.DisposeAsync();
        }

        await StoreRig.FinishAsync((await _rig.StartAsync())[0]);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(35)]
    public async Task APartialThatIsLostWhileItIsWritten_LosesItsBits_AndTheTorrentFinishes([Values("gone", "shorter", "replaced")] string how)
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        StoreRig.Send(storage, torrent, 6);
        await storage.FlushAsync(default).DefaultTimeout();
        var path = _rig.ListPartials().Single(static path => path.Contains("-0.", StringComparison.Ordinal));
        if (how == "shorter")
        {
            using var file = File.OpenWrite(path);
            file.SetLength(10);
        }
        else
        {
            File.Delete(path);
        }

        if (how == "replaced")
        {
            File.WriteAllBytes(path, new byte[200_001]);
        }

        StoreRig.Send(storage, torrent, 1);
        await storage.FlushAsync(default).DefaultTimeout();
        Assert.That((storage.CopyHave()[0], storage.CopyHave()[1], storage.CopyHave()[6]), Is.EqualTo((false, false, true)));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(36)]
    public async Task AJournalOfOtherGeometry_IsSetAside_AndTheNextOpeningHashes([Values(1, -1, 0)] int change)
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStore + 3);
        var torrent = TorrentStorageReceivingTests.Mixed();
        StoreRig.SendAll(await _rig.StartAndOpenAsync(torrent), torrent);
        await _rig.Store.DisposeAsync();
        var header = JournalHeader.Of(torrent.Manifest);
        header = header with { Pieces = header.Pieces + change, PieceLength = header.PieceLength * (change == 0 ? 2 : 1) };
        var path = _rig.Folder["state", "torrents", torrent.Id.ToString(), "journal"];
        var bytes = File.ReadAllBytes(path);
        header.WriteTo(bytes);
        File.WriteAllBytes(path, bytes);
        Assert.That(await _rig.StartAsync(), Is.Empty);
        Assert.That(Directory.GetDirectories(_rig.Folder["state", "quarantine"]), Has.Length.EqualTo(1));
        var storage = await _rig.OpenAsync(torrent);
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True);
    }

    [Test]
    [DestinationCase(58)]
    public async Task ADeferredPieceThatIsBad_IsNeeded_AndNothingInFlightIsDropped()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        StoreRig.Send(storage, torrent, 1);
        await _rig.Store.DisposeAsync();
        Directory.Delete(_rig.State, recursive: true);
        await _rig.StartAsync();
        storage = (await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout()).Storage!;
        Assert.That(Enumerable.Range(0, 8).Where(piece => storage.CopyDeferred()[piece]), Is.EqualTo(new[] { 0, 1, 2 }));
        storage.Begin(5, out var transfer);
        var bytes = torrent.ReadPiece(5);
        Assert.That(transfer!.Write(0, bytes.AsSpan(0, 1000)), Is.EqualTo(PieceAckStatus.Pending));
        var settled = await storage.SettleAsync(null, default).DefaultTimeout();
        Assert.That((settled.Found, settled.Dropped, storage.DeferredPieces), Is.EqualTo((2, 1, 0)));
        Assert.That(transfer.Write(1000, bytes.AsSpan(1000)), Is.EqualTo(PieceAckStatus.Accepted));
        transfer.Dispose();
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(33)]
    public async Task ACrashWhileSettling_GoesOn_WithoutPayload()
    {
        var torrent = new TorrentBuilder("large") { PieceLength = 64 * 1024 }.AddFile("a", 1_000_000).AddFile("b", 500_000).Build();
        torrent.WriteContent(_rig.Data);
        await _rig.StartAsync();
        for (var reads = 3; reads < 30; reads += 9)
        {
            var storage = reads == 3
                ? (await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout()).Storage!
                : (await _rig.CrashAndStartAsync())[0];
            var count = 0;
            _rig.Files.Fault = call =>
            {
                if (call is { Operation: "Read", Name: "a" or "b" } && ++count == reads)
                {
                    _rig.Files.Crash();
                }

                return null;
            };
            _rig.Time.Advance(TimeSpan.FromMinutes(1));
            Assert.That(async () => await storage.SettleAsync(null, default).DefaultTimeout(), Throws.InstanceOf<StorageException>().Or.InstanceOf<ObjectDisposedException>());
        }

        var last = (await _rig.CrashAndStartAsync())[0];
        await last.SettleAsync(null, default).DefaultTimeout();
        Assert.That(last.Layout.IsComplete(last.CopyHave()), Is.True);
        await StoreRig.FinishAsync(last);
    }

    [Test]
    [DestinationCase(16)]
    [DestinationCase(17)]
    [DestinationCase(124)]
    public async Task UnselectedFiles_AreNeverMade_AndMissingPiecesOfThemMissNothing()
    {
        var builder = new TorrentBuilder("wide") { PieceLength = 16_384 }.AddFile("in/wanted", 100_000);
        for (var i = 0; i < 20; i++)
        {
            builder.AddFile($"out{i}/unwanted", 50_000);
        }

        var torrent = builder.Build();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "wanted");
        StoreRig.SendAll(storage, torrent, except: [3]);
        await storage.FlushAsync(default).DefaultTimeout();
        var have = storage.CopyHave();
        Assert.That((storage.Layout.SelectedPieceCount - storage.HeldPieces, have[3]), Is.EqualTo((1, false)));
        storage = (await _rig.CrashAndStartAsync())[0];
        await storage.SettleAsync(null, default).DefaultTimeout();
        Assert.That((storage.CopyHave().ContentEquals(have), storage.DeferredPieces), Is.EqualTo((true, 0)), "nothing is sent again");
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(Directory.GetDirectories(_rig.Folder["data", "wide"]).Select(Path.GetFileName), Is.EqualTo(new[] { "in" }));
        Assert.That(_rig.Files.Calls.Where(static call => call.Operation is "CreateFile" or "MakeFolder" && call.Name.StartsWith("out", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    [DestinationCase(48)]
    public async Task ADuplicate_BeforeAndAfterPublishing_IsHeld_AndTouchesNothing()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        storage.Begin(2, out var late);
        late!.Write(0, torrent.ReadPiece(2).AsSpan(0, 10));
        Assert.That(StoreRig.Send(storage, torrent, 2), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(late.Write(10, torrent.ReadPiece(2).AsSpan(10)), Is.EqualTo(PieceAckStatus.ClaimLost));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        var path = _rig.Folder["data", torrent.Files[0].RelativePath];
        var modified = File.GetLastWriteTimeUtc(path);
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            Assert.That(StoreRig.Send(storage, torrent, piece, spoil: static bytes => bytes[0]++), Is.EqualTo(PieceAckStatus.Held));
        }

        Assert.That((torrent.FindDifference(_rig.Data), File.GetLastWriteTimeUtc(path)), Is.EqualTo(((string?)null, modified)));
        Assert.That(_rig.ListPartials(), Is.Empty);
    }

    [Test]
    [DestinationCase(30)]
    public async Task WhatAnInterruptedOpeningLeft_IsRemovedOrSetAside_AndTheTorrentOpens(
        [Values("empty", "temporary", "torrent", "journal", "garbage")] string what)
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStore + 3);
        var torrent = TorrentStorageReceivingTests.Mixed();
        var folder = _rig.Folder["state", "torrents", torrent.Id.ToString()];
        await _rig.StartAndOpenAsync(torrent);
        await _rig.Store.DisposeAsync();
        var journal = File.ReadAllBytes(Path.Combine(folder, "journal"));
        Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        if (what is "torrent" or "garbage")
        {
            File.WriteAllBytes(Path.Combine(folder, "torrent"), torrent.Bytes);
        }

        switch (what)
        {
            case "temporary":
                File.WriteAllText(Path.Combine(folder, ".tmp-journal"), "half");
                break;
            case "journal":
                File.WriteAllBytes(Path.Combine(folder, "journal"), journal);
                break;
            case "garbage":
                File.WriteAllText(Path.Combine(folder, "journal"), "garbage");
                break;
        }

        Assert.That(await _rig.StartAsync(), Is.Empty);
        Assert.That(Directory.Exists(_rig.Folder["state", "quarantine"]), Is.EqualTo(what is "journal" or "garbage"));
        StoreRig.SendAll(await _rig.OpenAsync(torrent), torrent);
    }

    [Test]
    [DestinationCase(20)]
    public async Task AnOpeningThatFailsAnywhere_ReturnsEverything_AndTheRetryWorks()
    {
        var torrent = TorrentStorageReceivingTests.Mixed();
        var other = new TorrentBuilder("mixed") { PieceLength = 64 * 1024, Seed = 5 }.AddFile("a/one.bin", 200_001).Build();
        await _rig.StartAsync();
        foreach (var operation in new[] { "MakeFolder", "CreateFile", "Write", "Sync", "RenameOver", "SyncFolder" })
        {
            for (var at = 1; at <= 2; at++)
            {
                var count = 0;
                _rig.Files.Fault = call => call.Operation == operation && ++count == at ? IO.FaultyFileSystem.NoSpace : null;
                try
                {
                    var outcome = await _rig.Store.OpenAsync(StoreRig.Request(torrent), default).DefaultTimeout();
                    await (outcome.Storage?.DiscardAsync(false, default).DefaultTimeout() ?? Task.CompletedTask);
                }
                catch (StorageException exception)
                {
                    Assert.That(exception.Fault, Is.EqualTo(StorageFault.NoSpace));
                }

                _rig.Files.Fault = null;
                Assert.That(Directory.GetFileSystemEntries(_rig.Folder["state", "torrents"]), Is.Empty, $"{operation} {at}");
                var free = await _rig.Store.OpenAsync(StoreRig.Request(other), default).DefaultTimeout();
                Assert.That(free.Refusal, Is.Null, $"{operation} {at}: the paths are free");
                await free.Storage!.DiscardAsync(false, default).DefaultTimeout();
            }
        }

        StoreRig.SendAll(await _rig.OpenAsync(torrent), torrent);
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private sealed class Counted : IProgress<long>
    {
        public long Last { get; private set; }

        public void Report(long value) => Last = value;
    }
}
