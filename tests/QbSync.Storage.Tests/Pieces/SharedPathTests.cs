using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>Two torrents of one content at one path, and what a selection leaves out.</summary>
public sealed class SharedPathTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(19)]
    public async Task CrossSeed_SharesTheFileWithoutPayload_AndNeitherAbortTakesItAway(bool isFirstAborted)
    {
        var first = Make(16 * 1024);
        var second = Make(32 * 1024);
        var storage = await _rig.StartAndOpenAsync(first);
        StoreRig.SendAll(storage, first);
        await StoreRig.FinishAsync(storage);
        var other = await _rig.OpenAsync(second);
        Assert.That((other.HeldPieces, other.DeferredPieces), Is.EqualTo((second.Manifest.PieceCount, 0)));
        await StoreRig.FinishAsync(other);
        await (isFirstAborted ? storage : other).DiscardAsync(false, default).DefaultTimeout();
        Assert.That(second.FindDifference(_rig.Data), Is.Null);
        Assert.That(await (isFirstAborted ? other : storage).CheckPublishedAsync(default).DefaultTimeout(), Is.Empty);
    }

    [Test]
    [DestinationCase(19)]
    public async Task CrossSeed_WhileTheFirstReceives_WaitsAndIsSharedThen()
    {
        var first = Make(16 * 1024);
        var second = Make(32 * 1024);
        var storage = await _rig.StartAndOpenAsync(first);
        StoreRig.Send(storage, first, 0);
        var other = await _rig.OpenAsync(second);
        Assert.That((await other.SettleAsync(null, default).AsTask().DefaultTimeout()).IsWaiting, Is.True);
        Assert.That(other.DeferredPieces, Is.EqualTo(second.Manifest.PieceCount));
        StoreRig.SendAll(storage, first);
        await StoreRig.FinishAsync(storage);
        await other.SettleAsync(null, default).AsTask().DefaultTimeout();
        Assert.That(other.HeldPieces, Is.EqualTo(second.Manifest.PieceCount));
        await StoreRig.FinishAsync(other);
        Assert.That(second.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(16)]
    [DestinationCase(17)]
    public async Task PiecesOnlyInUnselectedFiles_AreNeitherHeldNorNeeded_AndNothingIsMadeForThem()
    {
        var torrent = new TorrentBuilder("wide") { PieceLength = 16 * 1024 }.AddFile("want/a", 3 * 16 * 1024).AddFile("skip/b", 1000L * 16 * 1024).Build();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[1] == "want");
        StoreRig.Send(storage, torrent, 0);
        StoreRig.Send(storage, torrent, 2);
        var have = storage.CopyHave();
        Assert.That((storage.Layout.SelectedPieceCount, storage.HeldPieces, have.Count), Is.EqualTo((3, 2, 2)));
        Assert.That(Enumerable.Range(0, torrent.Manifest.PieceCount).Where(piece => storage.Layout.IsSelected(piece) && !have[piece]), Is.EqualTo(new[] { 1 }));
        Assert.That(storage.Begin(500, out _), Is.EqualTo(PieceAckStatus.Malformed));
        Assert.That(Directory.Exists(_rig.Folder["data", "wide", "skip"]), Is.False);
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(Directory.GetFileSystemEntries(_rig.Folder["data", "wide"]).Select(Path.GetFileName), Is.EqualTo(new[] { "want" }));
    }

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(24)]
    public async Task Preallocation_ReservesAtCreation_OrTheFileIsSparse(bool isPossible)
    {
        const int Length = 8 << 20;
        _rig.Options.Preallocate = isPossible;
        var torrent = new TorrentBuilder("reserved.bin") { PieceLength = 256 * 1024, Length = Length }.Build();
        var storage = await _rig.StartAndOpenAsync(torrent);
        Assert.That(_rig.ListPartials(), Is.Empty, "made at its first byte");
        StoreRig.Send(storage, torrent, 5);
        var partial = _rig.ListPartials().Single();
        Assert.That(new FileInfo(partial).Length, Is.EqualTo(Length));
        Assert.That(BlocksOf(partial) * 512, isPossible ? Is.GreaterThanOrEqualTo(Length) : Is.LessThan(Length / 2));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    private static BuiltTorrent Make(int pieceLength) => new TorrentBuilder("same.bin") { PieceLength = pieceLength, Length = 500_000, Seed = 7 }.Build();

    /// <summary>Blocks of 512 bytes, as the system counts them.</summary>
    private static long BlocksOf(string path)
    {
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true })!;
        var blocks = stat.StandardOutput.ReadToEnd();
        stat.WaitForExit();
        return long.Parse(blocks, System.Globalization.CultureInfo.InvariantCulture);
    }
}
