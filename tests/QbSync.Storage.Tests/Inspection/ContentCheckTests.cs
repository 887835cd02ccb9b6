using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.Inspection;
using QbSync.Storage.Tests.Pieces;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Inspection;

/// <summary>Content that is read back and compared, of a folder and of a destination's state.</summary>
public sealed class ContentCheckTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder("t") { PieceLength = 16384 }
        .AddFile("a", 40_000).AddFile("b/c", 30_000).AddFile("e", 0).AddFile("f", 50_000).Build();

    [TestCase(TorrentVersion.V1)]
    [TestCase(TorrentVersion.V2)]
    [TestCase(TorrentVersion.Hybrid)]
    [HostCase(38)]
    public async Task Content_AsItShouldBe_IsGoodAndNothingIsChanged(TorrentVersion version)
    {
        using var folder = new TempDirectory();
        var torrent = new TorrentBuilder("t") { PieceLength = 16384, Version = version }.AddFile("a", 40_000).AddFile("b/c", 30_000).AddFile("e", 0).Build();
        torrent.WriteContent(folder.Path);
        var before = Snapshot(folder.Path);
        Assert.That((await CheckAsync(folder.Path, torrent)).Select(static file => file.Mark), Has.All.EqualTo(FileMark.Good).And.Exactly(3).Items);
        Assert.That(Snapshot(folder.Path), Is.EqualTo(before));
    }

    [Test]
    [HostCase(38)]
    public async Task Content_BrokenInEachWay_HasEachMarkAndNothingIsChanged()
    {
        // A piece for each file, so that none shares one with another.
        var torrent = new TorrentBuilder("t") { PieceLength = 16384 }.AddFile("good", 16384).AddFile("flipped", 3 * 16384).AddFile("missing", 16384)
            .AddFile("short", 2 * 16384).AddFile("link", 16384).AddFile("long", 16384).AddFile("gone", 0).Build();
        using var folder = new TempDirectory();
        torrent.WriteContent(folder.Path);
        Flip(folder["t", "flipped"], 16384 + 5);
        File.Delete(folder["t", "missing"]);
        File.Delete(folder["t", "gone"]);
        SetLength(folder["t", "short"], 16384 + 1);
        SetLength(folder["t", "long"], 16384 + 1);
        File.Move(folder["t", "link"], folder["t", "target"]);
        File.CreateSymbolicLink(folder["t", "link"], "target");
        var before = Snapshot(folder.Path);
        var found = (await CheckAsync(folder.Path, torrent, withExtra: true)).ToDictionary(static file => file.Path);
        Assert.Multiple(() =>
        {
            Assert.That(found["t/good"].Mark, Is.EqualTo(FileMark.Good));
            Assert.That((found["t/flipped"].Mark, found["t/flipped"].BadPieces.Single()), Is.EqualTo((FileMark.Bad, 2)));
            Assert.That(found["t/missing"].Mark, Is.EqualTo(FileMark.Missing));
            Assert.That(found["t/gone"].Mark, Is.EqualTo(FileMark.Missing));
            Assert.That((found["t/short"].Mark, found["t/short"].BadPieces.Single()), Is.EqualTo((FileMark.Bad, 6)));
            Assert.That((found["t/long"].Mark, found["t/long"].BadPieces.Count), Is.EqualTo((FileMark.Bad, 0)));
            Assert.That(found["t/link"].Mark, Is.EqualTo(FileMark.Unreadable));
            Assert.That(found["t/link"].Error, Does.StartWith("errno 40: "));
            Assert.That(found["t/target"].Mark, Is.EqualTo(FileMark.Extra));
            Assert.That(found, Has.Count.EqualTo(8));
            Assert.That(Snapshot(folder.Path), Is.EqualTo(before));
        });
    }

    [Test]
    [HostCase(38)]
    public async Task Piece_SharedWithAMissingFile_IsNotSaidToBeGood()
    {
        using var folder = new TempDirectory();
        Torrent.WriteContent(folder.Path);
        File.Delete(folder["t", "b", "c"]);
        var found = (await CheckAsync(folder.Path, Torrent)).ToDictionary(static file => file.Path);
        Assert.That((found["t/a"].Mark, found["t/a"].BadPieces.Single()), Is.EqualTo((FileMark.Bad, 2)));
        Assert.That(found["t/b/c"].Mark, Is.EqualTo(FileMark.Missing));
    }

    [Test]
    [HostCase(39)]
    public async Task State_BesideARunningDestination_IsReadAndPartsAreSkipped()
    {
        await using var rig = new StoreRig();
        var storage = await rig.StartAndOpenAsync(Torrent, static file => file.Path[^1] != "f");
        var torrents = new StoredTorrents(rig.State, rig.Data);
        StoreRig.Send(storage, Torrent, 0);
        Assert.That(torrents.Find(Torrent.Id)!.IsComplete, Is.False, "it is being received");
        StoreRig.SendAll(storage, Torrent, except: [0]);
        await StoreRig.FinishAsync(storage);
        await storage.SealAsync(new SealRequest("nas", "qBittorrent", "id", new ClientView(ClientTorrentState.StoppedUp, 1, 0, rig.Time.GetUtcNow())), default);

        var before = Snapshot(rig.State);
        var stored = torrents.Find(Torrent.Id)!;
        Assert.Multiple(() =>
        {
            Assert.That(stored.IsComplete, Is.True);
            Assert.That(torrents.List(), Is.EqualTo(new[] { Torrent.Id }));
            Assert.That(stored.IsSame(torrents.Find(Torrent.Id)), Is.True);
        });
        var found = await new ContentCheck(TimeProvider.System).RunAsync(stored.Content, default).DefaultTimeout();
        Assert.That(found.Select(static file => (file.Path, file.Mark)), Is.EqualTo(new[] { ("t/a", FileMark.Good), ("t/b/c", FileMark.Good), ("t/e", FileMark.Good) }));
        Assert.That(Snapshot(rig.State), Is.EqualTo(before));
    }

    [Test]
    [HostCase(38)]
    public async Task Verdict_OfABadCheck_IsKeptUntilAGoodOne()
    {
        await using var rig = new StoreRig();
        var storage = await rig.StartAndOpenAsync(Torrent);
        var verdicts = new CheckVerdicts(rig.State);
        Assert.That(await storage.FindBadCheckAsync(default), Is.Null);
        verdicts.Condemn(Torrent.Id, DateTimeOffset.UnixEpoch, [new CheckedFile("t/a", FileMark.Good), new CheckedFile("t/b/c", FileMark.Missing)]);
        Assert.That(await storage.FindBadCheckAsync(default), Is.EqualTo("a check at 1970-01-01 00:00Z found 1 of 2 files bad, first t/b/c"));
        var after = (await rig.RestartAsync()).Single();
        Assert.That(await after.FindBadCheckAsync(default), Is.Not.Null);
        Assert.That((verdicts.Acquit(Torrent.Id), verdicts.Acquit(Torrent.Id)), Is.EqualTo((true, false)));
        Assert.That(await after.FindBadCheckAsync(default), Is.Null);
    }

    private static Task<IReadOnlyList<CheckedFile>> CheckAsync(string folder, BuiltTorrent torrent, bool withExtra = false) =>
        new ContentCheck(TimeProvider.System) { WithExtra = withExtra }.RunAsync(CheckedContent.In(folder, torrent.Manifest), default).DefaultTimeout();

    private static List<(string, long, DateTime, UnixFileMode)> Snapshot(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).OrderBy(static entry => entry.FullName, StringComparer.Ordinal)
            .Select(static entry => (entry.FullName, entry is FileInfo file ? file.Length : 0, entry.LastWriteTimeUtc, entry.UnixFileMode))];

    private static void Flip(string path, long at)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        Span<byte> one = stackalloc byte[1];
        RandomAccess.Read(file, one, at);
        one[0] ^= 1;
        RandomAccess.Write(file, one, at);
    }

    private static void SetLength(string path, long length)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        RandomAccess.SetLength(file, length);
    }
}
