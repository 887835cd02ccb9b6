using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.ClientTests;

/// <summary>
/// The source engine between two real clients, of which the source's has a temporary folder, an ending for unfinished files and a folder for unwanted ones.
/// </summary>
[Category("Real")]
[Parallelizable(ParallelScope.All)]
internal sealed partial class SourceTests
{
    private const int MiB = 1 << 20;
    private const string Unfinished = "unfinished";

    /// <summary>Bytes a second of a download that is not to end by itself while a test looks at it.</summary>
    private const int Slow = 256 * 1024;

    private EnginesLab _lab = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _lab = await EnginesLab.StartAsync(new EnginesLabOptions { SourceSession = MakeSession });

    [TearDown]
    public void LookAtClients() => _lab.AssertClientsRun();

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_lab is not null)
        {
            await _lab.DisposeAsync();
        }
    }

    private static Dictionary<string, string> MakeSession(string folder) => new()
    {
        ["Session\\TempPathEnabled"] = "true",
        ["Session\\TempPath"] = Path.Combine(folder, "downloads", Unfinished),
        ["Session\\AddExtensionToIncompleteFiles"] = "true",
        ["Session\\UseUnwantedFolder"] = "true",
        ["Downloads\\TempPathEnabled"] = "true",
        ["Downloads\\TempPath"] = Path.Combine(folder, "downloads", Unfinished),
        ["Downloads\\UseIncompleteExtension"] = "true",
    };

    [SourceCase(16)]
    [TestCase("keep out", 501)]
    [TestCase("sync-failed", 502)]
    [Category("Long")]
    public async Task Downloading_WithATagThatForbidsIt_SendsNothingUntilTheTagIsGone(string tag, int seed)
    {
        var torrent = new TorrentBuilder($"tagged {tag}.bin") { Length = 4 * MiB, PieceLength = 64 * 1024, Seed = seed }.Build();
        var id = await _lab.DownloadAsync(torrent, 3 * MiB / 2, null, ("tags", tag));
        var shown = tag == "keep out" ? "Excluded" : "Failed";
        await _lab.Until(
            async () => (await _lab.FindHereAsync(torrent)) is { CompletedBytes: > 0 } && _lab.Progress(torrent)?.State == shown, null, torrent, "bytes came, and it is known");
        var looks = _lab.AtSource.Count(nameof(ITorrentClient.PollAsync));
        await Eventually.BecomesTrueAsync(() => _lab.AtSource.Count(nameof(ITorrentClient.PollAsync)) >= looks + 10);
        Assert.Multiple(() =>
        {
            Assert.That(_lab.Progress(torrent)?.State, Is.EqualTo(shown));
            Assert.That(_lab.Progress(torrent)?.BytesMoved, Is.Zero);
            Assert.That(Inits(torrent), Is.Empty);
        });
        Assert.That(await _lab.FindThereAsync(torrent), Is.Null);

        await _lab.SourceClient.RemoveTagsAsync([id], [tag], CancellationToken.None);
        await _lab.SyncedAsync(torrent);
        await _lab.AssertSyncedAsync(torrent);
        Assert.That((await _lab.FindHereAsync(torrent))!.Tags, Does.Not.Contain(tag));
    }

    [Test]
    [SourceCase(124)]
    public async Task Whole_OneFileManyFilesAndACategoryWithItsFolder_AreThereInTheSameFolder()
    {
        var one = new TorrentBuilder("one file.bin") { Length = 3 * MiB + 17, Seed = 511 }.Build();
        var many = new TorrentBuilder("eighteen files") { Seed = 512, PieceLength = 64 * 1024 };
        for (var i = 0; i < 18; i++)
        {
            many.AddFile($"part {i % 3}/file {i:00}.bin", (i * 21_100) + 7);
        }

        var eighteen = many.Build();
        var managed = new TorrentBuilder("managed") { Seed = 513 }.AddFile("a.mkv", MiB + 1).AddFile("a.srt", 40_000).Build();
        var films = Path.Combine(_lab.Source.SavePath, "films", "of 124");
        await Person.PostAsync(_lab.Source, "torrents/createCategory", ("category", "films 124"), ("savePath", films));
        managed.WriteContent(films);
        await _lab.SeedAsync(one, ("tags", "mine,yours"));
        await _lab.SeedAsync(eighteen);
        await _lab.SeedAsync(managed, ("savepath", films), ("category", "films 124"), ("autoTMM", "true"));
        foreach (var torrent in (BuiltTorrent[])[one, eighteen, managed])
        {
            await _lab.SyncedAsync(torrent);
        }

        Assert.That((await _lab.FindHereAsync(managed))!.IsManagedByCategory, Is.True);
        await _lab.AssertSyncedAsync(one);
        await _lab.AssertSyncedAsync(eighteen);
        await _lab.AssertSyncedAsync(managed, "films/of 124");
        Assert.That((await _lab.FindThereAsync(one))!.Tags, Is.SupersetOf(new[] { "mine", "yours" }));
    }

    [Test]
    [SourceCase(39)]
    [SourceCase(125)]
    [Category("Long")]
    public async Task StartedDuringTheDownload_InATemporaryFolderUnderUnfinishedNames_SendsEachByteOnce()
    {
        var torrent = new TorrentBuilder("unfinished names") { Seed = 521, PieceLength = 64 * 1024 }
            .AddFile("plain.bin", (3 * MiB) + 5).AddFile("skipped.bin", MiB + 3).AddFile("sub/deep.bin", 300_000).Build();
        var id = await _lab.DownloadAsync(torrent, Slow, added => _lab.SelectAsync(added, wanted: false, "skipped.bin"));
        await ReadsUnfinishedAsync(torrent, id, "plain.bin.!qB");
        await _lab.SyncedAsync(torrent);
        await _lab.AssertSyncedAsync(torrent, "", static file => file.Path[^1] != "skipped.bin");
        var layout = new PieceLayout(torrent.Manifest, Selection.Of(torrent.Manifest, static file => file.Path[^1] != "skipped.bin"));
        var needed = Enumerable.Range(0, torrent.Manifest.PieceCount).Where(layout.IsSelected).Sum(piece => (long)torrent.Manifest.GetPieceLength(piece));
        Assert.That(_lab.Progress(torrent)!.BytesMoved, Is.EqualTo(needed), "what is selected, and what shares a piece with it, once");
        Assert.That(Directory.Exists(Path.Combine(_lab.Destination.SavePath, Unfinished)), Is.False);
    }

    [Test]
    [SourceCase(39)]
    [Category("Long")]
    public async Task Names_ThatCarryTheClientsOwnMarks_AreReadCorrectly()
    {
        var torrent = new TorrentBuilder("own marks") { Seed = 522, PieceLength = 64 * 1024 }
            .AddFile("carries it.bin.!qB", (2 * MiB) + 1).AddFile(".unwanted/inner.bin", MiB).AddFile("sub/.unwanted/deep.bin.!qB", 300_000).Build();
        var id = await _lab.DownloadAsync(torrent, Slow);
        await ReadsUnfinishedAsync(torrent, id, ".!qB");
        await _lab.Until(
            () => Task.FromResult(_lab.Progress(torrent) is { } progress && progress.PiecesDone == torrent.Manifest.PieceCount), null, torrent, "each piece has arrived");
        Assert.That(_lab.Progress(torrent)!.BytesMoved, Is.EqualTo(torrent.Manifest.ContentLength));
        await _lab.SyncedAsync(torrent);
    }

    /// <summary>Waits until pieces of an unfinished file in the client's temporary folder are there, then for the end of the download.</summary>
    private async Task ReadsUnfinishedAsync(BuiltTorrent torrent, ClientTorrentId id, string ending)
    {
        await _lab.Until(
            async () => await _lab.FindHereAsync(torrent) is { IsComplete: false } && _lab.Progress(torrent) is { PiecesDone: > 0 } && Everything(_lab.Source.SavePath).Any(path =>
                path.Contains($"/{Unfinished}/{torrent.Name}", StringComparison.Ordinal) && path.EndsWith(ending, StringComparison.Ordinal)),
            null,
            torrent,
            "pieces are there before the download ended, read under the client's own names in its temporary folder");
        await _lab.HurryAsync(id);
        await _lab.Until(async () => await _lab.FindHereAsync(torrent) is { IsComplete: true }, null, torrent, "the download has ended");
    }

    private IReadOnlyList<InitRequest> Inits(BuiltTorrent torrent) =>
        [.. _lab.Verbs.Of(nameof(IDestination.InitAsync)).Select(static call => (InitRequest)call.Arguments[1]!).Where(request => request.Id == torrent.Id)];
}
