using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.FolderClient;

public sealed class FolderMovingTests
{
    private static BuiltTorrent Several() => new TorrentBuilder("several") { PieceLength = 16 * 1024 }
        .AddFile("a.bin", 50_000).AddFile("b/c.bin", 100_000).Build();

    [Test]
    public async Task Move_Done_SurvivesARestartAndLeavesNoEmptyFolder()
    {
        await using var rig = new FolderRig();
        var torrent = await AddWholeAsync(rig);
        await MoveAsync(rig, Path.Combine(rig.Data, "x", "y"));
        await rig.RestartAsync();
        var status = await rig.SettleAsync();
        Assert.That((status.SavePath, status.IsComplete), Is.EqualTo((Path.Combine(rig.Data, "x", "y"), true)));
        Assert.That(Directory.Exists(Path.Combine(rig.Data, "several")), Is.False);
        Assert.That(await rig.CountPiecesAsync(torrent), Is.EqualTo(torrent.Manifest.PieceCount));
    }

    [Test]
    public async Task Move_NameTakenThere_IsAConflictAndEverythingStays()
    {
        await using var rig = new FolderRig();
        var torrent = await AddWholeAsync(rig);
        var taken = Path.Combine(rig.Data, "x", "several", "b");
        Directory.CreateDirectory(taken);
        await File.WriteAllTextAsync(Path.Combine(taken, "c.bin"), "somebody's");
        Assert.That(await CatchAsync(rig, Path.Combine(rig.Data, "x")), Is.EqualTo(ClientFault.Conflict));
        Assert.That(await File.ReadAllTextAsync(Path.Combine(taken, "c.bin")), Is.EqualTo("somebody's"));
        Assert.That(File.Exists(Path.Combine(rig.Data, "x", "several", "a.bin")), Is.False);
        Assert.That(await File.ReadAllBytesAsync(Path.Combine(rig.Data, "several", "a.bin")), Is.EqualTo(torrent.ReadFile(0)));
        Assert.That((await rig.SettleAsync()).SavePath, Is.EqualTo(rig.Data));
    }

    [Test]
    public async Task Move_OutOfTheDataFolderOrThroughALink_IsAConflictAndNothingIsMade()
    {
        await using var rig = new FolderRig();
        await AddWholeAsync(rig);
        var outside = Directory.CreateDirectory(Path.Combine(rig.Torrents, "outside")).FullName;
        File.CreateSymbolicLink(Path.Combine(rig.Data, "link"), outside);
        foreach (var path in new[] { outside, "/", Path.Combine(rig.Data, "link"), Path.Combine(rig.Data, "link", "deeper"), rig.Data + "/../beside" })
        {
            Assert.That(await CatchAsync(rig, path), Is.EqualTo(ClientFault.Conflict), path);
        }

        Assert.That(Directory.GetFileSystemEntries(outside), Is.Empty);
        Assert.That((await rig.SettleAsync()).IsComplete, Is.True);
    }

    [Test]
    public async Task Move_InterruptedHalfWay_IsFinishedByTheSameCall()
    {
        await using var rig = new FolderRig();
        await AddWholeAsync(rig);

        // As a crash leaves it: a file is there already, the record names the old place.
        var there = Path.Combine(rig.Data, "x");
        Directory.CreateDirectory(Path.Combine(there, "several"));
        File.Move(Path.Combine(rig.Data, "several", "a.bin"), Path.Combine(there, "several", "a.bin"));
        await MoveAsync(rig, there);
        var status = await rig.SettleAsync();
        Assert.That((status.SavePath, status.IsComplete), Is.EqualTo((there, true)));
        Assert.That(File.Exists(Path.Combine(there, "several", "b", "c.bin")), Is.True);
    }

    private static async Task<BuiltTorrent> AddWholeAsync(FolderRig rig)
    {
        var torrent = Several();
        torrent.WriteContent(rig.Data);
        torrent.WriteTorrent(rig.Torrents);
        Assert.That((await rig.SettleAsync()).IsComplete, Is.True);
        return torrent;
    }

    private static Task MoveAsync(FolderRig rig, string path) =>
        rig.Client.SetLocationAsync([FolderRig.GetId(Several())], path, CancellationToken.None).DefaultTimeout();

    private static async Task<ClientFault?> CatchAsync(FolderRig rig, string path)
    {
        try
        {
            await MoveAsync(rig, path);
            return null;
        }
        catch (TorrentClientException e)
        {
            return e.Fault;
        }
    }
}
