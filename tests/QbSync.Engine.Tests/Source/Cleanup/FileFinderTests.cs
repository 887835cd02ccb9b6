using QbSync.Engine.Source.Cleanup;
using QbSync.Engine.Source.Tracking;
using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Cleanup;

[TestFixture, FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class FileFinderTests
{
    private static readonly ClientDescription Client = new() { Product = "test", DefaultSavePath = "/downloads", TempPath = "/downloads/temp" };
    private readonly MemoryDisk _disk = new();
    private readonly List<string> _failed = [];

    [Test]
    public void Find_EachNameThatClientsGive_IsFound([Values("a", "a.!qB", ".unwanted/a", ".unwanted/a.!qB")] string name)
    {
        _disk.Put($"/data/films/{name}", 1, 100);
        var found = Find(Status(), new ClientFile(0, "films/a", 100, true, 1), new ClientFile(1, "films/b", 100, false, 1));

        Assert.That(found.Files.Select(static file => file.Path), Does.Contain($"/data/films/{name}"));
        Assert.That(found.Files[0].Inode, Is.Not.Null);
        Assert.That(found.Files.Select(static file => file.Path), Does.Contain("/data/films/b"), "what is not wanted has its path, too");
        Assert.That(found.Unplaced, Is.Empty);
    }

    [Test]
    public void Find_StillInTheTemporaryFolder_HasItsFinalPathToo()
    {
        _disk.Put("/data/temp/films/a.!qB", 1, 50);
        var status = Status() with { State = ClientTorrentState.Downloading, Progress = 0.5, AmountLeft = 100, DownloadPath = "/downloads/temp", ContentPath = "/downloads/temp/films" };
        var found = Find(status, new ClientFile(0, "films/a", 100, true, 0.5), new ClientFile(1, "films/b", 100, true, 0));

        Assert.That(found.Files.Select(static file => file.Path), Is.SupersetOf(new[] { "/data/temp/films/a.!qB", "/data/temp/films/b" }));
        Assert.That(found.Unplaced, Is.Empty);
    }

    [Test]
    public void Find_WholeFileThatIsNotThere_IsUnplaced()
    {
        _disk.Put("/data/films/a", 1, 100);
        var found = Find(Status(), new ClientFile(0, "films/a", 100, true, 1), new ClientFile(1, "films/b", 7, true, 1), new ClientFile(2, "films/c", 0, true, 1));

        Assert.That(found.Unplaced, Is.EqualTo(new[] { new UnplacedFile("films/b", 7) }));
    }

    [Test]
    public void Find_OutsideOfEveryRootOrMoving_IsUnplaced()
    {
        _disk.Put("/data/films/a", 1, 100);
        ClientFile file = new(0, "films/a", 100, true, 1);

        Assert.That(Find(Status() with { SavePath = "/other", ContentPath = "/other/films" }, file, new ClientFile(1, "films/b", 1, true, 1)).Files, Is.Empty);
        Assert.That(Find(Status() with { State = ClientTorrentState.Moving }, file).Unplaced, Is.EqualTo(new[] { new UnplacedFile("films/a", 100) }));
        Assert.That(Find(Status(), new ClientFile(0, "films/../../a", 100, true, 1)).Unplaced, Has.Count.EqualTo(1));
    }

    [Test]
    public void Find_SystemDoesNotTell_IsAFailureAndUnplaced()
    {
        _disk.Put("/data/films/a", 1, 100);
        _disk.Unreadable["/data/films/a"] = true;
        var found = Find(Status(), new ClientFile(0, "films/a", 100, true, 1), new ClientFile(1, "films/b", 0, true, 1));

        Assert.That(_failed, Is.EqualTo(new[] { "/data/films/a" }));
        Assert.That(found.Unplaced, Is.EqualTo(new[] { new UnplacedFile("films/a", 100) }));
    }

    [Test]
    public void Find_PadsOfAnOldClient_AreNoFiles()
    {
        _disk.Put("/data/films/a", 1, 100);
        _disk.Put("/data/films/b", 1, 100);
        var found = Find(
            Status(), new ClientFile(0, "films/a", 100, true, 1), new ClientFile(1, "films/.pad/28", 28, true, 1), new ClientFile(2, "films/b", 100, true, 1));

        Assert.That(found.Files, Has.Count.EqualTo(2));
        Assert.That(found.Unplaced, Is.Empty);
    }

    private static TorrentStatus Status() => new()
    {
        Id = new ClientTorrentId("a"),
        Name = "films",
        State = ClientTorrentState.StalledUp,
        Progress = 1,
        SavePath = "/downloads",
        ContentPath = "/downloads/films",
    };

    private IndexedTorrent Find(TorrentStatus status, params ClientFile[] files) =>
        new FileFinder(_disk).Find(status, files, Client, new PathMap(new SourceOptions { Data = "/data" }, Client), _failed);
}
