using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class TorrentStoreSweepingTests
{
    private const string Orphan = ".0123456789abcdef-7.qbsync-part";
    private static readonly TimeSpan Age = TimeSpan.FromHours(24);
    private static readonly BuiltTorrent Torrent = new TorrentBuilder("t") { PieceLength = 16384 }.AddFile("a", 40_000).AddFile("b/c", 30_000).Build();

    [Test]
    [DestinationCase(115)]
    public async Task Leftovers_SeenForTheirAge_AreListedThenRemoved_AndNothingElse()
    {
        await using var rig = new StoreRig();
        var storage = await rig.StartAndOpenAsync(Torrent);
        StoreRig.Send(storage, Torrent, 0);
        var own = rig.ListPartials().Single();
        string[] kept =
        [
            Write(rig, "data", "t", "0123456789abcdef-7.qbsync-part"), Write(rig, "data", "x.qbsync-part"), Write(rig, "data", ".0123456789abcdeX-7.qbsync-part"),
            Write(rig, "data", ".0123456789abcdef-7-.qbsync-part"), Write(rig, "data", ".tmp-mine"), own,
        ];
        string[] gone = [Write(rig, "data", "d", "e", Orphan), Write(rig, "state", ".tmp-registry"), Write(rig, "data", ".qbsync", ".tmp-root")];
        var empty = rig.Folder.CreateFolder("state", "torrents", new string('a', 40));
        Directory.CreateSymbolicLink(Path.Combine(rig.Data, "link"), rig.Folder.CreateFolder("outside"));
        var outside = Write(rig, "outside", Orphan);

        Assert.That(await SweepAsync(rig, remove: true), Is.Empty);
        rig.Time.Advance(Age - TimeSpan.FromSeconds(1));
        Assert.That(await SweepAsync(rig, remove: true), Is.Empty);
        rig.Time.Advance(TimeSpan.FromSeconds(1));
        var listed = await SweepAsync(rig, remove: false);
        Assert.That(listed, Is.EquivalentTo(gone.Append(empty)));
        Assert.That(gone, Is.All.Exist);
        Assert.That(await SweepAsync(rig, remove: true), Is.EquivalentTo(listed));
        Assert.That(gone.Append(empty), Has.None.Exist);
        Assert.That(kept.Append(outside), Is.All.Exist);
    }

    [Test]
    public async Task LeftoverThatWasReplaced_HasItsTimeAnew()
    {
        await using var rig = new StoreRig();
        await rig.StartAsync();
        var path = Write(rig, "data", Orphan);
        await SweepAsync(rig, remove: true);
        rig.Time.Advance(Age);
        File.Move(path, path + "2");
        Write(rig, "data", Orphan);
        Assert.That(await SweepAsync(rig, remove: true), Is.Empty);
        Assert.That(path, Does.Exist);
    }

    [Test]
    public async Task PartialOfATorrentThatCameBack_IsNoLeftover()
    {
        await using var rig = new StoreRig();
        var storage = await rig.StartAndOpenAsync(Torrent);
        StoreRig.Send(storage, Torrent, 0);
        await storage.DiscardAsync(keepFiles: true, default);
        var partial = rig.ListPartials().Single();
        await SweepAsync(rig, remove: true);
        await rig.OpenAsync(Torrent);
        rig.Time.Advance(Age * 2);
        Assert.That(await SweepAsync(rig, remove: true), Is.Empty);
        Assert.That(partial, Does.Exist);
    }

    [Test]
    [DestinationCase(12)]
    public async Task RootThatIsGone_NothingBelowItIsJudged()
    {
        await using var rig = new StoreRig();
        await rig.StartAsync();
        Write(rig, "data", Orphan);
        await SweepAsync(rig, remove: true);
        rig.Time.Advance(Age);
        Directory.Move(rig.Data, rig.Data + "2");
        Assert.That(await SweepAsync(rig, remove: true), Is.Empty);
        Assert.That(Path.Combine(rig.Data + "2", Orphan), Does.Exist);
    }

    private static async Task<IReadOnlyList<string>> SweepAsync(StoreRig rig, bool remove) =>
        await rig.Store.SweepLeftoversAsync(Age, remove, default).AsTask().DefaultTimeout();

    private static string Write(StoreRig rig, params string[] parts)
    {
        var path = rig.Folder[parts];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "x");
        return path;
    }
}
