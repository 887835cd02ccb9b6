using QbSync.Outcomes;
using QbSync.Storage.IO;
using QbSync.Storage.IO.Native;
using QbSync.Storage.Tests.Pieces;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.IO;

/// <summary>Nothing outside a root is ever touched, whatever stands in it or is put there meanwhile: with openat2, and with the walk that replaces it.</summary>
[TestFixture(0)]
[TestFixture(1)]
[TestFixture(3)]
[DestinationCase(9)]
public sealed class ContainmentTests(int without)
{
    private static readonly string[] Parents = ["sub", "torrent", "a", "b"];
    private TempDirectory _outside = null!;
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp()
    {
        _rig = new StoreRig(() => new LinuxFileSystem((LinuxCalls)without));
        _outside = new TempDirectory();
        File.WriteAllText(_outside["keep"], "mine");
    }

    [TearDown]
    public async Task TearDown()
    {
        await _rig.DisposeAsync();
        AssertOutsideIsUntouched();
        _outside.Dispose();
    }

    [Test]
    [DestinationCase(10)]
    public async Task Symlink_AtEachParent_IsRefusedAndNothingChanges([Range(0, 3)] int depth)
    {
        await _rig.StartAsync();
        Directory.CreateDirectory(_rig.Folder[["data", .. Parents[..depth]]]);
        Directory.CreateSymbolicLink(_rig.Folder[["data", .. Parents[..(depth + 1)]]], _outside.Path);
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(Deep(), subPath: "sub"), default).DefaultTimeout();
        Assert.That(outcome.Refusal?.Reason, Is.EqualTo(RefusalReason.PathRefused));
        Assert.That(Directory.GetFileSystemEntries(Path.Combine(_rig.State, "torrents")), Is.Empty);
    }

    [Test]
    [DestinationCase(10)]
    public async Task Symlink_AtTheLeaf_IsRefusedAndNothingChanges()
    {
        await _rig.StartAsync();
        var final = _rig.Folder["data", "sub", Deep().Files[0].RelativePath];
        Directory.CreateDirectory(Path.GetDirectoryName(final)!);
        File.CreateSymbolicLink(final, _outside["keep"]);
        var outcome = await _rig.Store.OpenAsync(StoreRig.Request(Deep(), subPath: "sub"), default).DefaultTimeout();
        Assert.That(outcome.Refusal?.Reason, Is.EqualTo(RefusalReason.PathRefused));
        Assert.That(new FileInfo(final).LinkTarget, Is.EqualTo(_outside["keep"]));
    }

    [Test]
    [DestinationCase(10)]
    public async Task Symlink_AtTheLeafJustBeforePublishing_IsAConflictAndNothingChanges()
    {
        _rig.Logs.Expect(StorageEventIds.TorrentStorage + 7);
        var torrent = Deep();
        var storage = await _rig.StartAndOpenAsync(torrent, subPath: "sub");
        StoreRig.SendAll(storage, torrent);
        var final = _rig.Folder["data", "sub", torrent.Files[0].RelativePath];
        File.CreateSymbolicLink(final, _outside["keep"]);
        await storage.VerifyFileAsync(0, null, default).DefaultTimeout();
        var refusal = await storage.PublishFilesAsync([0], default).DefaultTimeout();
        Assert.That(refusal?.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That(new FileInfo(final).LinkTarget, Is.EqualTo(_outside["keep"]));
        Assert.That(_rig.ListPartials(), Is.Not.Empty, "what was received is kept");
    }

    [Test]
    [DestinationCase(10)]
    public async Task Symlink_AsThePartial_IsNotWrittenThrough()
    {
        _rig.Logs.Expect(static entry => true);
        var torrent = Deep();
        var storage = await _rig.StartAndOpenAsync(torrent, subPath: "sub");
        var folder = Path.GetDirectoryName(_rig.Folder["data", "sub", torrent.Files[0].RelativePath])!;
        Directory.CreateDirectory(folder);
        var partial = Path.Combine(folder, Storage.Pieces.StoredFile.GetPartialName(torrent.Id, 0));
        File.CreateSymbolicLink(partial, _outside["keep"]);
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.StorageError));
        Assert.That(storage.HeldPieces, Is.Zero);
        AssertOutsideIsUntouched();
        File.Delete(partial);
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Folder["data", "sub"]), Is.Null);
    }

    [Test]
    [DestinationCase(10)]
    public async Task Symlink_SwappedInALoopWhileWriting_NothingIsWrittenOutside()
    {
        _rig.Logs.Expect(static entry => true);
        _rig.Options.MaxOpenFiles = 16;
        var builder = new TorrentBuilder("torrent") { PieceLength = 16 * 1024 };
        for (var i = 0; i < 60; i++)
        {
            builder.AddFile($"a/b/{i:d3}.bin", 40_000 + i);
        }

        var torrent = builder.Build();
        var storage = await _rig.StartAndOpenAsync(torrent, subPath: "sub");
        var parent = _rig.Folder.CreateFolder("data", "sub", "torrent");
        Directory.CreateDirectory(Path.Combine(parent, "a", "b"));
        using (var stop = new CancellationTokenSource())
        {
            var swapping = Task.Run(() => Swap(parent, "a", stop.Token), CancellationToken.None);
            for (var round = 0; round < 5; round++)
            {
                await SendWhatIsMissingAsync(storage, torrent);
            }

            await stop.CancelAsync();
            await swapping.DefaultTimeout();
        }

        AssertOutsideIsUntouched();
        await Eventually.BecomesTrueAsync(async () =>
        {
            await SendWhatIsMissingAsync(storage, torrent);
            return storage.Layout.IsComplete(storage.CopyHave());
        });
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Folder["data", "sub"]), Is.Null);
    }

    private static BuiltTorrent Deep() => new TorrentBuilder("torrent") { PieceLength = 16 * 1024 }.AddFile("a/b/file.bin", 50_000).AddFile("c", 10_000).Build();

    private static async Task SendWhatIsMissingAsync(Ports.ITorrentStorage storage, BuiltTorrent torrent)
    {
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            if (!storage.CopyHave()[piece])
            {
                StoreRig.Send(storage, torrent, piece);
            }
        }

        try
        {
            await storage.FlushAsync(default).DefaultTimeout();
        }
        catch (StorageException)
        {
            // The folder is a link, or away, just now.
        }
    }

    /// <summary>Exchanges a folder with a link that leads outside, atomically, an even number of times.</summary>
    private void Swap(string parent, string name, CancellationToken cancellationToken)
    {
        const uint Exchange = 2;
        var link = name + ".link";
        Directory.CreateSymbolicLink(Path.Combine(parent, link), _outside.Path);
        using var folder = new LinuxFileSystem().OpenRoot(parent)!;
        var count = 0;
        while (!cancellationToken.IsCancellationRequested || count % 2 != 0)
        {
            count += LibC.RenameAt2(LinuxConstants.RenameAt2, folder, name, folder, link, Exchange) == 0 ? 1 : 0;
            Thread.Yield();
        }

        Directory.Delete(Path.Combine(parent, link));
    }

    private void AssertOutsideIsUntouched()
    {
        Assert.That(Directory.GetFileSystemEntries(_outside.Path).Select(Path.GetFileName), Is.EqualTo(new[] { "keep" }));
        Assert.That(File.ReadAllText(_outside["keep"]), Is.EqualTo("mine"));
    }
}
