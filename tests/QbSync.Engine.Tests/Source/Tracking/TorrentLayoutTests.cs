using QbSync.Engine.Source.Tracking;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Tracking;

[TestFixture]
internal sealed class TorrentLayoutTests
{
    private static readonly BuiltTorrent Single = new TorrentBuilder("film.mkv") { Length = 20_000, PieceLength = 16384 }.Build();

    private static readonly BuiltTorrent Several = new TorrentBuilder("show") { PieceLength = 16384 }
        .AddFile("s1/e1", 20_000).AddFile("s1/e2", 30_000).Build();

    // One file: the content path ends with its name, or its parent counts.
    [TestCase("single", "film.mkv", "/downloads/film.mkv", "/downloads", "/downloads")]
    [TestCase("single", "film.mkv", "/downloads/film.mkv/", "/downloads", "/downloads")]
    [TestCase("single", "film/film.mkv", "/downloads/film/film.mkv", "/downloads", "/downloads")]
    [TestCase("single", "film.mkv", "/downloads/renamed", "/elsewhere", "/downloads")]
    [TestCase("single", "sub/film.mkv", "/downloads/tv/sub/film.mkv/", "/downloads/tv", "/downloads/tv")]
    // Several with a common first part: it, else the first name, else the parent.
    [TestCase("several", "show/s1/", "/downloads/show", "/downloads", "/downloads")]
    [TestCase("several", "show/s1/", "/downloads/show//", "/downloads/", "/downloads")]
    [TestCase("several", "show/s1/", "/downloads/tv/show", "/downloads", "/downloads/tv")]
    [TestCase("several", "show/s1/", "/downloads/tv/anime/show/", "/downloads/tv/anime/", "/downloads/tv/anime")]
    [TestCase("several", "show/s1/", "/mnt/here/show", "/downloads/drifted", "/mnt/here")]
    [TestCase("several", "show/s1/", "/temp/show", "/downloads", "/temp")]
    [TestCase("several", "show/s1/", "/downloads/show/s1/e1", "/downloads", "/downloads")]
    [TestCase("several", "show/s1/", "/downloads/other", "/downloads", "/downloads")]
    [TestCase("several", "show/s1/", "/downloads/show/show", "/downloads/show", "/downloads/show")]
    // Several without one: the content path itself.
    [TestCase("several", "a|b", "/downloads/loose", "/downloads", "/downloads/loose")]
    // No usable content path.
    [TestCase("several", "show/s1/", "", "/downloads", "/downloads")]
    [TestCase("several", "show/s1/", "show", "/downloads", "/downloads")]
    [SourceCase(36)]
    public void CompleteTorrent_BaseFolder_IsFoundFromTheClientsWords(string kind, string names, string content, string save, string expected)
    {
        var layout = Create(kind, names, content, save, complete: true);

        Assert.That("/" + string.Join('/', layout.BaseFolders[0]), Is.EqualTo(expected));
        Assert.That("/" + string.Join('/', layout.FinalFolder), Is.EqualTo(expected), "complete: it goes where it is");
    }

    [TestCase("show/s1/.unwanted/e1|show/s1/e2", ContentLayout.Original, "show/s1/e1")]
    [TestCase("s1/.unwanted/e1|s1/e2", ContentLayout.NoSubfolder, "s1/e1")]
    [TestCase("show/.unwanted/s1/e1|show/s1/e2", ContentLayout.Original, "show/.unwanted/s1/e1")]
    public void UnwantedFolder_OfAnOldClient_IsNoPartOfTheName(string names, ContentLayout expected, string first)
    {
        var layout = Create("several", names, "/downloads/show", "/downloads", complete: true);

        Assert.That(layout.ContentLayout, Is.EqualTo(expected));
        Assert.That(string.Join('/', layout.FileNames[0]), Is.EqualTo(first));
    }

    [Test]
    public void UnwantedFolder_OfTheTorrentItself_IsKept()
    {
        var torrent = new TorrentBuilder("odd") { PieceLength = 16384 }.AddFile(".unwanted/a", 20_000).AddFile("b", 30_000).Build();
        var status = StatusOf(torrent, "/downloads/odd", "/downloads", complete: true);
        var layout = TorrentLayout.TryCreate(status, torrent.Manifest, ListOf(torrent, "odd/.unwanted/a|odd/b"), Client(null), out _)!;
        Assert.That(string.Join('/', layout.FileNames[0]), Is.EqualTo("odd/.unwanted/a"));
    }

    [TestCase("/incomplete", null, "/incomplete")]
    [TestCase("", "/temp", "/temp")]
    [TestCase("", null, "/downloads")]
    [SourceCase(36)]
    public void IncompleteTorrent_WithoutContentPath_LiesInItsTemporaryFolder(string downloadPath, string? temp, string expected)
    {
        var status = StatusOf(Single, "", "/downloads", complete: false) with { DownloadPath = downloadPath };
        var layout = TorrentLayout.TryCreate(status, Single.Manifest, ListOf(Single, "film.mkv"), Client(temp), out _)!;

        Assert.That("/" + string.Join('/', layout.BaseFolders[0]), Is.EqualTo(expected));
        Assert.That("/" + string.Join('/', layout.FinalFolder), Is.EqualTo("/downloads"), "a temporary folder is never mirrored");
    }

    [TestCase("show/s1/", ContentLayout.Original)]
    [TestCase("s1/", ContentLayout.NoSubfolder)]
    public void SeveralFiles_Layout_IsTheOneThatExplainsTheNames(string names, ContentLayout expected)
    {
        var layout = Create("several", names, "/downloads/show", "/downloads", complete: true);

        Assert.That(layout.ContentLayout, Is.EqualTo(expected));
        Assert.That(layout.Manifest.Files.All(file => NameLayout.Differing(file, layout.ContentLayout, layout.FileNames[file.Index]).Count == 0), Is.True);
    }

    [Test]
    public void SingleFile_InAFolder_IsSubfolder() =>
        Assert.That(Create("single", "film/film.mkv", "/downloads/film/film.mkv", "/downloads", true).ContentLayout, Is.EqualTo(ContentLayout.Subfolder));

    [Test]
    public void RenamedFile_IsToldUnderTheNameThatTheClientShows()
    {
        var layout = Create("single", "other.mkv", "/downloads/other.mkv", "/downloads", complete: true);

        Assert.That(NameLayout.Differing(Single.Manifest.Files[0], layout.ContentLayout, layout.FileNames[0]), Is.EqualTo(["other.mkv"]));
    }

    [TestCase("../film.mkv")]
    [TestCase("/etc/passwd")]
    [TestCase("a//film.mkv")]
    [TestCase("a/./film.mkv")]
    [TestCase("film\0.mkv")]
    [SourceCase(43)]
    public void Name_ThatLeavesItsFolder_IsRefused(string name)
    {
        var status = StatusOf(Single, "/downloads/film.mkv", "/downloads", complete: true);

        Assert.That(TorrentLayout.TryCreate(status, Single.Manifest, ListOf(Single, name), Client(null), out var problem), Is.Null);
        Assert.That(problem, Is.Not.Empty);
    }

    [Test]
    [SourceCase(43)]
    public void List_WithOrWithoutPads_IsMatchedAndAnyOtherIsNot()
    {
        var padded = new TorrentBuilder("padded") { PieceLength = 16384, WithPads = true }.AddFile("a", 20_000).AddFile("b", 30_000).Build();
        var manifest = padded.Manifest;
        var withPads = manifest.Files.Select(file => new ClientFile(file.Index, string.Join('/', file.Path), file.Length, true, 1)).ToList();
        var without = manifest.Files.Where(file => !file.IsPad).Select((file, i) => new ClientFile(i, string.Join('/', file.Path), file.Length, true, 1)).ToList();

        Assert.That(FileMatch.TryMatch(manifest, withPads)!.Count(file => file is not null), Is.EqualTo(manifest.Files.Count));
        Assert.That(FileMatch.TryMatch(manifest, without)!.Count(file => file is not null), Is.EqualTo(2));
        Assert.That(FileMatch.TryMatch(manifest, [without[1], without[0]]), Is.Null);
        Assert.That(FileMatch.TryMatch(manifest, [without[0]]), Is.Null);
    }

    [TestCase("/downloads", "/data", "")]
    [TestCase("/downloads/tv/x", "/data/tv/x", "tv/x")]
    [TestCase("/downloads/tv/x/", "/data/tv/x", "tv/x")]
    [TestCase("/downloads2", null, null)]
    [TestCase("/data/inside", "/data/inside", "inside")]
    [SourceCase(37)]
    public void PathMap_OfNothingButTheDefaultSavePath_MapsItToData(string client, string? local, string? sub)
    {
        var map = new PathMap(new SourceOptions { Data = "/data" }, Client(null));

        Assert.That(map.ToLocal(ClientPath.Split(client)), Is.EqualTo(local));
        Assert.That(map.ToSubPath(ClientPath.Split(client)) is { } parts ? string.Join('/', parts) : null, Is.EqualTo(sub));
    }

    [Test]
    [SourceCase(37)]
    public void PathMap_TwoRulesThatEndAlike_AreAConfigurationError()
    {
        var options = new SourceOptions { Data = "/data", PathMap = [new("/mnt/a/films", "/x"), new("/mnt/b/films/", "/y"), new("/mnt/c/series", "/z")] };
        Assert.That(options.Validate().Single(), Does.StartWith("path-map: ").And.Contains("/mnt/a/films").And.Contains("/mnt/b/films/"));
    }

    [Test]
    [SourceCase(37)]
    public void PathMap_LongestPrefix_WinsAndOtherRootsStandBeside()
    {
        var options = new SourceOptions
        {
            Data = "/data",
            PathMap = [new PathMapping("/downloads", "/mnt/a"), new PathMapping("/downloads/big", "/mnt/b"), new PathMapping("/other", "/mnt/c")],
        };
        var map = new PathMap(options, Client(null));

        Assert.That(map.ToLocal(ClientPath.Split("/downloads/big/x")), Is.EqualTo("/mnt/b/x"));
        Assert.That(map.ToLocal(ClientPath.Split("/downloads/bigger")), Is.EqualTo("/mnt/a/bigger"));
        Assert.That(map.ToSubPath(ClientPath.Split("/downloads/tv")), Is.EqualTo(["tv"]));
        Assert.That(map.ToSubPath(ClientPath.Split("/downloads/big/x")), Is.EqualTo(["big", "x"]));
        Assert.That(map.ToSubPath(ClientPath.Split("/other/y")), Is.EqualTo(["other", "y"]));
    }

    [Test]
    [SourceCase(37)]
    public void PathMap_TemporaryFolder_IsReadButNeverMirrored()
    {
        var map = new PathMap(new SourceOptions { Data = "/data/done" }, Client("/incomplete"));

        Assert.That(map.ToLocal(["incomplete", "x"]), Is.EqualTo("/data/incomplete/x"));
        Assert.That(map.ToSubPath(["incomplete", "x"]), Is.Null);
    }

    private static TorrentLayout Create(string kind, string names, string content, string save, bool complete)
    {
        var torrent = kind == "single" ? Single : Several;
        return TorrentLayout.TryCreate(StatusOf(torrent, content, save, complete), torrent.Manifest, ListOf(torrent, names), Client(null), out _)!;
    }

    private static List<ClientFile> ListOf(BuiltTorrent torrent, string names) =>
        [.. torrent.Files.Select((file, i) => new ClientFile(
            i, names.Contains('|') ? names.Split('|')[i] : names.EndsWith('/') ? names + file.Path[^1] : names, file.Length, true, 1))];

    private static ClientDescription Client(string? temp) => new() { Product = "test", DefaultSavePath = "/downloads", TempPath = temp, Epoch = 1 };

    private static TorrentStatus StatusOf(BuiltTorrent torrent, string content, string save, bool complete) => new()
    {
        Id = new ClientTorrentId(torrent.Id.ToString()),
        Name = torrent.Name,
        State = complete ? ClientTorrentState.StalledUp : ClientTorrentState.Downloading,
        Progress = complete ? 1 : 0.5,
        AmountLeft = complete ? 0 : 1,
        SavePath = save,
        ContentPath = content,
    };
}
