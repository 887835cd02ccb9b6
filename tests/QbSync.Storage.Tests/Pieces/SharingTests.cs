using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>Files that more than one torrent, or somebody else, has to do with.</summary>
public sealed class SharingTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [DestinationCase(19)]
    public async Task ACrossSeed_Waits_ThenSharesTheFile_AndAnAbortLeavesItToTheOther([Values] bool ownerGoes)
    {
        var (first, second) = Pair();
        var owner = await _rig.StartAndOpenAsync(first);
        var sharer = await _rig.OpenAsync(second);
        var due = 0;
        sharer.SettleDue += () => Interlocked.Increment(ref due);
        Assert.That((sharer.DeferredPieces, (await sharer.SettleAsync(null, default).DefaultTimeout()).IsWaiting), Is.EqualTo((second.Manifest.PieceCount, true)));
        StoreRig.SendAll(owner, first);
        await StoreRig.FinishAsync(owner);
        Assert.That(due, Is.GreaterThan(0), "told when the file is there");
        var settled = await sharer.SettleAsync(null, default).DefaultTimeout();
        Assert.That((settled.Found, settled.IsWaiting), Is.EqualTo((second.Manifest.PieceCount, false)));
        await StoreRig.FinishAsync(sharer);
        await (ownerGoes ? owner : sharer).DiscardAsync(false, default).DefaultTimeout();
        Assert.That(first.FindDifference(_rig.Data), Is.Null);
        var left = (await _rig.RestartAsync()).Single();
        Assert.That(left.IsPublished(0), Is.True);
        Assert.That(await left.CheckPublishedAsync(default).DefaultTimeout(), Is.Empty);
    }

    [Test]
    [DestinationCase(19)]
    public async Task AnOwnerThatEndsWithoutPublishing_LeavesTheFileToWhoWaits()
    {
        var (first, second) = Pair();
        var owner = await _rig.StartAndOpenAsync(first);
        var sharer = await _rig.OpenAsync(second);
        StoreRig.Send(owner, first, 0);
        var due = 0;
        sharer.SettleDue += () => Interlocked.Increment(ref due);
        await owner.DiscardAsync(false, default).DefaultTimeout();
        Assert.That(due, Is.GreaterThan(0));
        var settled = await sharer.SettleAsync(null, default).DefaultTimeout();
        Assert.That((settled.Dropped, settled.IsWaiting), Is.EqualTo((second.Manifest.PieceCount, false)));
        StoreRig.SendAll(sharer, second);
        await StoreRig.FinishAsync(sharer);
        Assert.That(second.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(124)]
    public async Task AWaitingTorrent_StillWaitsAfterAStart()
    {
        var (first, second) = Pair();
        var owner = await _rig.StartAndOpenAsync(first);
        await _rig.OpenAsync(second);
        StoreRig.Send(owner, first, 0);
        var found = await _rig.RestartAsync();
        owner = found.Single(one => one.Request.Manifest.Id == first.Id);
        var sharer = found.Single(one => one.Request.Manifest.Id == second.Id);
        Assert.That((await owner.SettleAsync(null, default).DefaultTimeout()).IsWaiting, Is.False);
        Assert.That((await sharer.SettleAsync(null, default).DefaultTimeout()).IsWaiting, Is.True);
        StoreRig.SendAll(owner, first);
        await StoreRig.FinishAsync(owner);
        await sharer.SettleAsync(null, default).DefaultTimeout();
        await StoreRig.FinishAsync(sharer);
        Assert.That(_rig.ListPartials(), Is.Empty);
    }

    [Test]
    [DestinationCase(114)]
    public async Task APartialThatGetsASecondName_IsNeverWrittenThrough([Values] bool restart)
    {
        _rig.Options.MaxOpenFiles = 16;
        var torrent = TorrentStorageReceivingTests.Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        StoreRig.Send(storage, torrent, 0);
        await storage.FlushAsync(default).DefaultTimeout();
        await _rig.Store.DisposeAsync();
        var partial = _rig.ListPartials().Single();
        if (restart)
        {
            await MakeLinkAsync(partial, _rig.Folder["link"]);
        }

        storage = (await _rig.StartAsync())[0];
        if (!restart)
        {
            await MakeLinkAsync(partial, _rig.Folder["link"]);
        }

        var before = File.ReadAllBytes(_rig.Folder["link"]);
        Assert.That(StoreRig.Send(storage, torrent, 1), Is.Not.EqualTo(PieceAckStatus.Accepted));
        await storage.SettleAsync(null, default).DefaultTimeout();
        Assert.That(storage.CopyHave()[0], Is.True, "good pieces are copied");
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(File.ReadAllBytes(_rig.Folder["link"]), Is.EqualTo(before));
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
        Assert.That(_rig.ListPartials(), Is.Empty);
    }

    [Test]
    [DestinationCase(43)]
    public async Task AnUnselectedFileOnDisk_HasToBeRight([Values] bool isRight)
    {
        var torrent = Three();
        BuiltTorrent.WriteFile(_rig.Data, torrent.Files[0]);
        var path = _rig.Folder["data", torrent.Files[0].RelativePath];
        var bytes = torrent.ReadFile(0);
        bytes[^1] ^= (byte)(isRight ? 0 : 1);
        File.WriteAllBytes(path, bytes);
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "middle");
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        var refusal = await storage.ExportPartFileAsync(".abc.parts", default).DefaultTimeout();
        Assert.That(refusal?.Reason, Is.EqualTo(isRight ? (RefusalReason?)null : RefusalReason.PathConflict));
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(bytes));
    }

    [Test]
    [DestinationCase(43)]
    public async Task APartFileOfSomebodyElse_HasToBeRight_AndStaysTheirs([Values] bool isRight)
    {
        var torrent = Three();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "middle");
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(await storage.ExportPartFileAsync(".abc.parts", default).DefaultTimeout(), Is.Null);
        var theirs = File.ReadAllBytes(_rig.Folder["data", ".abc.parts"]);
        theirs[^1] ^= (byte)(isRight ? 0 : 1); // the last byte of the last slot is the third file's
        theirs = [.. theirs, 1, 2, 3];
        File.WriteAllBytes(_rig.Folder["data", ".x.parts"], theirs);
        var refusal = await storage.ExportPartFileAsync(".x.parts", default).DefaultTimeout();
        Assert.That(refusal?.Reason, Is.EqualTo(isRight ? (RefusalReason?)null : RefusalReason.PathConflict));
        await storage.DiscardAsync(false, default).DefaultTimeout();
        Assert.That(File.ReadAllBytes(_rig.Folder["data", ".x.parts"]), Is.EqualTo(theirs));
    }

    [Test]
    [DestinationCase(40)]
    public async Task AnUnselectedFileOnDisk_GivesItsPartOfAnEdge_WithoutPayload()
    {
        var torrent = Three();
        torrent.WriteContent(_rig.Data);
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "middle");
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True);
        await StoreRig.FinishAsync(storage);
        Assert.That(await storage.ExportPartFileAsync(".abc.parts", default).DefaultTimeout(), Is.Null);
        storage = (await _rig.CrashAndStartAsync())[0];
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True);
    }

    private static async Task MakeLinkAsync(string from, string to)
    {
        using var process = System.Diagnostics.Process.Start("ln", [from, to]);
        await process.WaitForExitAsync().DefaultTimeout();
        Assert.That(process.ExitCode, Is.Zero);
    }

    /// <summary>Two torrents of one name and one content, in pieces of different length.</summary>
    private static (BuiltTorrent First, BuiltTorrent Second) Pair() => (
        new TorrentBuilder("same") { PieceLength = 32_768, Length = 300_000 }.Build(),
        new TorrentBuilder("same") { PieceLength = 65_536, Length = 300_000 }.Build());

    private static BuiltTorrent Three() => new TorrentBuilder("three") { PieceLength = 16_384 }
        .AddFile("first", 100_000)
        .AddFile("middle", 100_000)
        .AddFile("third", 100_000)
        .Build();
}
