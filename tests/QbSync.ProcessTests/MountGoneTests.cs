using QbSync.Testing.Machine;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>The disk of the data folder goes away under a running destination, and comes back.</summary>
[Category("Mounts")]
public sealed class MountGoneTests
{
    [Test]
    public async Task MountGone_UnderARunningDestination_NothingIsMadeInItsPlaceAndItGoesOnWhenItIsBack()
    {
        using var mount = LoopMount.Create(64);
        using var own = new TempDirectory();
        await using var nodes = new TwoProcesses(mount.Path, own.Path);
        var first = new TorrentBuilder("first") { Length = 3_000_000, Seed = 1 }.Build();
        nodes.Add(first);
        nodes.StartDestination();
        nodes.StartSource();
        await nodes.WaitUntilAllAreSyncedAsync();
        mount.UnmountLazily();
        Assert.That(Directory.GetFileSystemEntries(mount.Path), Is.Empty);
        var second = new TorrentBuilder("second") { Length = 3_000_000, Seed = 2 }.Build();
        nodes.Add(second);
        await Eventually.BecomesTrueAsync(() => nodes.Source!.Output.Contains("is not the folder that was opened", StringComparison.Ordinal));
        Assert.That(Directory.GetFileSystemEntries(mount.Path), Is.Empty, "nothing is made where the disk was");
        mount.Mount();
        await nodes.WaitUntilAllAreSyncedAsync();
        nodes.AssertAllIsEqual();
    }

    [Test]
    public async Task MountGone_WhenTheDestinationStarts_NothingIsMadeInItsPlaceAndItGoesOnWhenItIsBack()
    {
        using var mount = LoopMount.Create(64);
        using var own = new TempDirectory();
        await using var nodes = new TwoProcesses(mount.Path, own.Path);
        var torrent = new TorrentBuilder("torrent") { Length = 3_000_000, Seed = 1 }.Build();
        nodes.Add(torrent);
        nodes.StartDestination();
        nodes.StartSource();
        await nodes.WaitUntilAllAreSyncedAsync();
        await nodes.KillDestinationAsync();
        mount.Unmount();
        nodes.StartDestination();
        Assert.That(await nodes.Destination!.WaitForExitAsync(), Is.EqualTo(3), nodes.Destination.Output);
        Assert.That(Directory.GetFileSystemEntries(mount.Path), Is.Empty, "nothing is made where the disk was");
        await nodes.Destination.DisposeAsync();
        mount.Mount();
        nodes.StartDestination();
        await nodes.WaitUntilAllAreSyncedAsync();
        nodes.AssertAllIsEqual();
    }
}
