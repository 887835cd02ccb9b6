using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>Names that look like ours, that are as long as names can be, or that others hide: they go the whole way.</summary>
public sealed class NamesOnDiskTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [DestinationCase(11)]
    public async Task NamesLikeOurs_LongestAndHidden_StreamedPublishedRestartedFinished()
    {
        var torrent = new TorrentBuilder("names") { PieceLength = 16 * 1024 }
            .AddFile("x.partial", 40_000).AddFile("x.qbsync-par", 30_000).AddFile("long", 50_000).AddFile(".hidden", 20_000).AddFile("...", 10_000).Build();
        var longest = new string('n', 251) + ".mkv";
        string[] names = ["x.partial", "x.qbsync-par", longest, ".hidden", "..."];
        await _rig.StartAsync();
        var request = StoreRig.Request(torrent) with { FileNames = [.. names.Select(static name => (string[])["names", name])] };
        var storage = (await _rig.Store.OpenAsync(request, default).DefaultTimeout()).Storage!;

        // The first two files are final before the restart, the long one is half there.
        for (var piece = 0; piece < 6; piece++)
        {
            StoreRig.Send(storage, torrent, piece);
        }

        Assert.That(await storage.VerifyFileAsync(0, null, default).DefaultTimeout(), Is.Zero);
        Assert.That(await storage.VerifyFileAsync(1, null, default).DefaultTimeout(), Is.Zero);
        Assert.That(await storage.PublishFilesAsync([0, 1], default).DefaultTimeout(), Is.Null);
        await storage.FlushAsync(default).DefaultTimeout();
        storage = (await _rig.CrashAndStartAsync())[0];
        Assert.That((storage.HeldPieces, storage.IsPublished(0), storage.IsPublished(1)), Is.EqualTo((6, true, true)));

        StoreRig.SendAll(storage, torrent);
        foreach (var file in Enumerable.Range(2, 3))
        {
            Assert.That(await storage.VerifyFileAsync(file, null, default).DefaultTimeout(), Is.Zero);
        }

        Assert.That(await storage.PublishFilesAsync([2, 3, 4], default).DefaultTimeout(), Is.Null);
        Assert.That(Directory.GetFiles(_rig.Folder["data", "names"], "*", AllFiles).Select(Path.GetFileName), Is.EquivalentTo(names));
        for (var i = 0; i < names.Length; i++)
        {
            Assert.That(File.ReadAllBytes(_rig.Folder["data", "names", names[i]]), Is.EqualTo(torrent.ReadFile(i)), names[i]);
        }
    }

    [Test]
    [DestinationCase(46)]
    public async Task EmptyFiles_SelectedAreMade_UnselectedAreNot_OnlyEmptyIsComplete()
    {
        var torrent = new TorrentBuilder("void") { PieceLength = 16 * 1024 }.AddFile("a/empty", 0).AddFile("b/empty", 0).Build();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[1] == "a");
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True);
        await StoreRig.FinishAsync(storage);
        Assert.That(Directory.GetFileSystemEntries(_rig.Folder["data", "void"], "*", AllFiles).Select(path => Path.GetRelativePath(_rig.Data, path)), Is.EquivalentTo(new[] { "void/a", "void/a/empty" }));
        storage = (await _rig.RestartAsync())[0];
        Assert.That(storage.IsPublished(0), Is.True);
    }

    private static EnumerationOptions AllFiles => new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
}
