using QbSync.Testing.Machine;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>The destination's ext4 is filled up by somebody else in the middle of a sync, and gets its space back.</summary>
[Category("Mounts")]
public sealed class FullDiskTests
{
    [Test]
    public async Task FullDisk_InTheMiddleOfASync_WaitsAndGoesOnByItself()
    {
        using var mount = LoopMount.Create(64);
        await using var nodes = new TwoProcesses(Path.Combine(mount.Path, "data"), mount.Path);
        var builder = new TorrentBuilder("filled") { PieceLength = 64 * 1024, Seed = 5 };
        for (var i = 0; i < 10; i++)
        {
            builder.AddFile($"{i:d2}.bin", 2_000_001);
        }

        var torrent = builder.Build();
        nodes.Add(torrent);
        nodes.StartDestination();
        nodes.StartSource(6 << 20);
        await Eventually.BecomesTrueAsync(() => File.Exists(Path.Combine(mount.Path, "data", torrent.Files[0].RelativePath)));
        var filler = Path.Combine(mount.Path, "filler");
        mount.Fill("filler");

        // Whatever had crossed by then, this one finds no room.
        nodes.Add(new TorrentBuilder("late.bin") { PieceLength = 64 * 1024, Length = 10_000_001, Seed = 6 }.Build());
        await Eventually.BecomesTrueAsync(() => nodes.Destination!.Output.Contains("No space left", StringComparison.Ordinal));
        Assert.That(nodes.AreAllSynced(), Is.False);
        Assert.That(nodes.Destination!.HasExited, Is.False);
        File.Delete(filler);
        await nodes.WaitUntilAllAreSyncedAsync();
        nodes.AssertAllIsEqual();
    }
}
