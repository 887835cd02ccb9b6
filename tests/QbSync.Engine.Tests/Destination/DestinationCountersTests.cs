using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Each of the destination's counters is moved by its event, and by nothing that resembles it.</summary>
public sealed class DestinationCountersTests
{
    private static BuiltTorrent Single => DestinationSyncTests.Single;

    private static BuiltTorrent Multi => DestinationSyncTests.Multi;

    [Test]
    [MetricCase("C25")]
    [MetricCase("C42")]
    [MetricCase("C43")]
    public async Task TwoPiecesDamaged_FoundByFinalize_AreTwoErrorsAndOneRecovery()
    {
        await using var rig = new DestinationRig();
        rig.Logs.Expect(DestinationRig.ReadBackFailed);
        var init = DestinationRig.MakeInit(Single);
        var open = await rig.OpenAsync(init);

        // The fault is early finalization's, so that it is Finalize that reads.
        rig.Disk.Fail(nameof(ITorrentStorage.VerifyFileAsync), StorageFault.Io);
        var gate = new TaskCompletionSource();
        rig.Storage.VerifyGate = gate.Task;
        rig.SendMissing(Single, open, init);
        rig.Storage.Corrupt(1);
        rig.Storage.Corrupt(3);
        gate.SetResult();
        await rig.DriveAsync(() => !rig.Disk.IsFaulty(nameof(ITorrentStorage.VerifyFileAsync)));
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Single)), Is.InstanceOf<FinalizeOutcome.Incomplete>());

        Assert.That(rig.Metric("qbsync_verification_errors_total", ("mode", "destination")), Is.EqualTo(2));
        Assert.That(rig.Metric("qbsync_verification_recoveries_total"), Is.EqualTo(1));
        Assert.That(rig.Metric("qbsync_early_finalize_verify_failures_total"), Is.Zero);
    }

    [Test]
    [MetricCase("C25")]
    [MetricCase("C42")]
    public async Task TwoPiecesDamaged_FoundInOneFileEarly_AreOneFile()
    {
        await using var rig = new DestinationRig();
        rig.Logs.Expect(DestinationRig.ReadBackFailed);
        var init = DestinationRig.MakeInit(Single);
        var open = await rig.OpenAsync(init);
        var gate = new TaskCompletionSource();
        rig.Storage.VerifyGate = gate.Task;
        rig.SendMissing(Single, open, init);
        rig.Storage.Corrupt(1);
        rig.Storage.Corrupt(3);
        gate.SetResult();
        await rig.DriveAsync(() => rig.Metric("qbsync_early_finalize_verify_failures_total") > 0);

        Assert.That(rig.Metric("qbsync_early_finalize_verify_failures_total"), Is.EqualTo(1));
        Assert.That(rig.Metric("qbsync_verification_errors_total", ("mode", "destination")), Is.Zero);
    }

    [TestCase(PublishPolicy.File, 2)]
    [TestCase(PublishPolicy.Torrent, 0)]
    [MetricCase("C40")]
    public async Task FilesFinalEarly_AreCounted_ThoseOfTheWholeTorrentAreNot(PublishPolicy publish, int early)
    {
        await using var rig = new DestinationRig(configure: options => options.Publish = publish);
        var init = DestinationRig.MakeInit(Multi, static file => file.Path[^1] != "empty.txt");
        var open = await rig.OpenAsync(init);

        // All but the last piece, which only the third file has.
        for (var piece = 0; piece < Multi.Manifest.PieceCount - 1; piece++)
        {
            Assert.That(rig.Send(Multi, piece, open.Epoch), Is.EqualTo(PieceAckStatus.Accepted));
        }

        await rig.DriveAsync(() => rig.Metric("qbsync_files_early_finalized_total") == early);
        Assert.That(rig.Send(Multi, Multi.Manifest.PieceCount - 1, open.Epoch), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Multi)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Disk.Files["album/one.flac"], Is.EqualTo(Multi.ReadFile(0)));
        Assert.That(rig.Metric("qbsync_files_early_finalized_total"), Is.EqualTo(early));
    }

    [Test]
    [MetricCase("C01")]
    public async Task Torrent_MadeFinalAndAskedAgain_IsOneSync_WhatWasCompleteAtTheStartIsNone()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Single);
        Assert.That(await rig.SyncAsync(Single, init), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Single)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(
            rig.Metric("qbsync_torrents_synced_total", ("mode", "destination"), ("hash", Single.Id.ToString()), ("name", "disc.iso")), Is.EqualTo(1));

        await rig.RestartAsync();
        Assert.That(await rig.InitAsync(init), Is.InstanceOf<InitOutcome.Complete>());
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Single)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Metric("qbsync_torrents_synced_total"), Is.NaN);
    }

    [Test]
    [MetricCase("C06")]
    public async Task TwoOrphans_TheRecordOfOneDamaged_OneIsCleaned()
    {
        await using var rig = new DestinationRig { Step = TimeSpan.FromMinutes(10) };
        foreach (var torrent in new[] { Single, Multi })
        {
            var open = await rig.OpenAsync(DestinationRig.MakeInit(torrent));
            rig.Send(torrent, 0, open.Epoch);
        }

        await rig.PassAsync(TimeSpan.FromHours(20));
        await rig.StopAsync();
        var journal = Directory.GetFiles(rig.Disk.State, "journal", SearchOption.AllDirectories)
            .Single(static path => path.Contains(Multi.Id.ToString(), StringComparison.Ordinal));
        await File.WriteAllBytesAsync(journal, [1, 2, 3]);
        rig.Logs.Expect(static entry => entry.Message.Contains(Multi.Id.ToString(), StringComparison.Ordinal));
        rig.Start();
        await rig.DriveAsync(() => rig.Metric("qbsync_orphan_cleanups_total") > 0);
        Assert.That(rig.Disk.Unfinished.Single(), Does.StartWith("album/"), "the other's file");

        // Later it goes, too, as a file that belongs to nobody; that is no torrent.
        await rig.DriveAsync(() => rig.Disk.Unfinished.Length == 0);
        Assert.That(rig.Metric("qbsync_orphan_cleanups_total"), Is.EqualTo(1));
    }

    [Test]
    [MetricCase("A23")]
    public async Task Torrents_ThatWaitForTheOneWorker_AreInTheQueue_AndThoseInWorkAreNot()
    {
        await using var rig = new DestinationRig(configure: static options => options.FinalizeWorkers = 1);
        var gate = new TaskCompletionSource();
        BuiltTorrent[] torrents = [.. Enumerable.Range(1, 3).Select(static i => new TorrentBuilder($"film{i}") { Length = 60_000, PieceLength = 16384, Seed = i }.Build())];
        foreach (var torrent in torrents)
        {
            var init = DestinationRig.MakeInit(torrent);
            var open = await rig.OpenAsync(init);
            rig.Storage.VerifyGate = gate.Task; // its file is read back as soon as it is whole
            rig.SendMissing(torrent, open, init);
        }

        await rig.DriveAsync(() => rig.Metric("qbsync_finalization_queue_depth") == 2);
        await rig.PassAsync(TimeSpan.FromSeconds(5));
        Assert.That(rig.Metric("qbsync_finalization_queue_depth"), Is.EqualTo(2), "one of three has the place");

        gate.SetResult();
        await rig.DriveAsync(() => rig.Metric("qbsync_finalization_queue_depth") == 0);
        foreach (var torrent in torrents)
        {
            Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(DestinationRig.MakeInit(torrent), torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        }

        Assert.That(rig.Metric("qbsync_finalization_queue_depth"), Is.Zero);
    }
}
