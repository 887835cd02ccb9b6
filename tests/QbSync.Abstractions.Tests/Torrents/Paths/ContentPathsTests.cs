using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents.Paths;

/// <summary>The expectations are what qBittorrent 4.5.2 shows of these torrents.</summary>
public sealed class ContentPathsTests
{
    [TestCase("movie.mkv", ContentLayout.Original, "movie.mkv")]
    [TestCase("movie.mkv", ContentLayout.NoSubfolder, "movie.mkv")]
    [TestCase("movie.mkv", ContentLayout.Subfolder, "movie/movie.mkv")]
    [TestCase("movie", ContentLayout.Subfolder, "movie/movie")]
    [TestCase("archive.tar.gz", ContentLayout.Subfolder, "archive/archive.tar.gz")]
    [TestCase("a.b.c", ContentLayout.Subfolder, "a.b/a.b.c")]
    [TestCase(".hidden", ContentLayout.Subfolder, ".hidden")]
    [TestCase("dot.", ContentLayout.Subfolder, "dot./dot.")]
    public void Of_SingleFile_AsClientLaysIt(string name, ContentLayout layout, string expected)
    {
        var manifest = new TorrentBuilder(name) { Length = 5 }.Build().Manifest;
        Assert.That(PathRules.Join(ContentPaths.Of(manifest, layout)[0]), Is.EqualTo(expected));
    }

    [TestCase(ContentLayout.Original, "show/s1/e1", "show/e2")]
    [TestCase(ContentLayout.Subfolder, "show/s1/e1", "show/e2")]
    [TestCase(ContentLayout.NoSubfolder, "s1/e1", "e2")]
    public void Of_Folder_AsClientLaysIt(ContentLayout layout, string first, string second)
    {
        var manifest = new TorrentBuilder("show") { WithPads = true, PieceLength = 16_384 }.AddFile("s1/e1", 5).AddFile("e2", 5).Build().Manifest;
        var paths = ContentPaths.Of(manifest, layout);
        Assert.That(paths, Has.Count.EqualTo(3));
        Assert.That((string[])[PathRules.Join(paths[0]), PathRules.Join(paths[2])], Is.EqualTo((string[])[first, second]));
    }
}
