using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Unfinished torrents that no source asks for any more.</summary>
public sealed class DestinationOrphanTests
{
    private static BuiltTorrent Torrent => DestinationSyncTests.Single;

    [Test]
    [DestinationCase(122)]
    public async Task SourceGone_ForADayOfOwnRunningTime_IsSweptAlsoAcrossARestart()
    {
        await using var rig = new DestinationRig { Step = TimeSpan.FromMinutes(1) };
        var open = await rig.OpenAsync(DestinationRig.MakeInit(Torrent));
        rig.Send(Torrent, 0, open.Epoch);
        await rig.PassAsync(TimeSpan.FromHours(20));
        await rig.RestartAsync();
        await rig.RecoveredAsync();
        Assert.That((await rig.GetStatusAsync(Torrent.Id, DestinationRig.Other)).State, Is.EqualTo(DestinationTorrentState.Absent));
        Assert.That(rig.Disk.Unfinished, Has.Length.EqualTo(1));
        await rig.DriveAsync(() => rig.Disk.Unfinished.Length == 0 && rig.Disk.TorrentCount == 0);
        await rig.DriveAsync(() => rig.Metric("qbsync_orphan_cleanups_total") == 1);
    }

    [Test]
    [DestinationCase(122)]
    public async Task SourceGone_WithEverythingHeld_IsMadeFinal()
    {
        await using var rig = new DestinationRig { Step = TimeSpan.FromMinutes(1) };
        var init = DestinationRig.MakeInit(Torrent);
        rig.SendMissing(Torrent, await rig.OpenAsync(init), init);
        await rig.DriveAsync(() => rig.Storage.Phase == StoredPhase.Complete);
        Assert.That(rig.Disk.Files["disc.iso"], Is.EqualTo(Torrent.ReadFile(0)));
        Assert.That(rig.Metric("qbsync_orphan_cleanups_total"), Is.Zero);
    }

    [TestCase("contact")]
    [TestCase("client is silent")]
    [TestCase("client has it")]
    [DestinationCase(122)]
    public async Task SourceGone_ButForAReason_IsKept(string reason)
    {
        await using var rig = new DestinationRig { Step = TimeSpan.FromMinutes(1) };
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        rig.Send(Torrent, 0, open.Epoch);
        if (reason == "client has it")
        {
            rig.Client.Plant(Torrent.Manifest, "/data", ClientTorrentState.StoppedDl, 0);
        }

        rig.Client.IsDown = reason == "client is silent";
        for (var hour = 0; hour < 30; hour++)
        {
            await rig.PassAsync(TimeSpan.FromHours(1));
            if (reason == "contact")
            {
                rig.Send(Torrent, 0, open.Epoch);
            }
        }

        Assert.That(rig.Disk.Unfinished, Has.Length.EqualTo(1));
        Assert.That(rig.Engine.ListOrphans(), Is.Empty);
    }

    [Test]
    public async Task ClosedTorrent_ThatTheUserRemovedFromTheClient_IsForgottenAfterADayAndItsFilesStay()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        await rig.SyncAsync(Torrent, init);
        await rig.StartSeedingAsync(init);
        await rig.ConfirmAsync(Torrent.Id);
        rig.Client.RemoveAll();
        rig.Step = TimeSpan.FromMinutes(1);
        await rig.PassAsync(TimeSpan.FromHours(20));
        Assert.That(rig.Disk.TorrentCount, Is.EqualTo(1));
        await rig.DriveAsync(() => rig.Disk.TorrentCount == 0);
        Assert.That(rig.Disk.Files["disc.iso"], Is.EqualTo(Torrent.ReadFile(0)));
        await rig.DriveAsync(() => rig.Engine.Status.Torrents.Count == 0);
    }

    [Test]
    [DestinationCase(123)]
    public async Task ListMode_OfAnOrphan_NamesExactPathsAndRemovesNothing()
    {
        await using var rig = new DestinationRig(configure: static options => options.OrphanSweep = OrphanSweepMode.List) { Step = TimeSpan.FromMinutes(1) };
        var open = await rig.OpenAsync(DestinationRig.MakeInit(Torrent));
        rig.Send(Torrent, 0, open.Epoch);
        await rig.DriveAsync(() => rig.Engine.ListOrphans().Count == 1);
        var orphan = rig.Engine.ListOrphans()[0];
        Assert.That((orphan.Id, orphan.Bytes), Is.EqualTo((Torrent.Id, Torrent.Manifest.Length)));
        Assert.That(orphan.Paths, Is.EqualTo(rig.Disk.Unfinished.Select(path => Path.Combine(rig.Disk.Data, path))));
        await rig.PassAsync(TimeSpan.FromHours(2));
        Assert.That(rig.Disk.Unfinished, Has.Length.EqualTo(1));
        Assert.That(rig.Metric("qbsync_orphan_cleanups_total"), Is.Zero);
    }
}
