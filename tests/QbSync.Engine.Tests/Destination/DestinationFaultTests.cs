using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Disks that spoil, fill up and fail; restarts and aborts at each phase.</summary>
public sealed class DestinationFaultTests
{
    private static BuiltTorrent Torrent => DestinationSyncTests.Single;

    [Test]
    [DestinationCase(71)]
    public async Task SpoiledPiece_FoundAtReadBack_IsNeededAgainAndThenComplete()
    {
        await using var rig = new DestinationRig();
        rig.Logs.Expect(DestinationRig.ReadBackFailed);
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        var gate = new TaskCompletionSource();
        rig.Storage.VerifyGate = gate.Task;
        rig.SendMissing(Torrent, open, init);
        rig.Storage.Corrupt(2);
        gate.SetResult();

        // Else a finalize that is faster than the read-back of the file finds it.
        await rig.DriveAsync(() => rig.Metric("qbsync_early_finalize_verify_failures_total") == 1);
        var outcome = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent));
        Assert.That(outcome, Is.InstanceOf<FinalizeOutcome.Incomplete>());
        var have = ((FinalizeOutcome.Incomplete)outcome).Have;
        Assert.That((have.Count, have[2]), Is.EqualTo((4, false)));
        Assert.That(rig.Disk.Files, Is.Empty);
        Assert.That(rig.Metric("qbsync_early_finalize_verify_failures_total"), Is.EqualTo(1));
        Assert.That(rig.Send(Torrent, 2, open.Epoch), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    public async Task SpoiledPiece_FoundByFinalize_IsCountedAndRecovered()
    {
        await using var rig = new DestinationRig();
        rig.Logs.Expect(DestinationRig.ReadBackFailed);
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        var gate = new TaskCompletionSource();
        rig.Disk.Fail(nameof(ITorrentStorage.VerifyFileAsync), StorageFault.Io);
        rig.Storage.VerifyGate = gate.Task;
        rig.SendMissing(Torrent, open, init);
        rig.Storage.Corrupt(4);
        gate.SetResult();
        await rig.DriveAsync(() => !rig.Disk.IsFaulty(nameof(ITorrentStorage.VerifyFileAsync))); // the fault is early finalization's, not Finalize's
        var outcome = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent));
        Assert.That(outcome, Is.InstanceOf<FinalizeOutcome.Incomplete>());
        Assert.That(rig.Metric("qbsync_verification_errors_total", ("mode", "destination")), Is.EqualTo(1));
        Assert.That(rig.Metric("qbsync_verification_recoveries_total"), Is.EqualTo(1));
        Assert.That(rig.Metric("qbsync_finalization_duration_seconds_count", ("result", "failure")), Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(84)]
    public async Task Piece_SpoiledThreeTimes_FailsAndNamesIt()
    {
        await using var rig = new DestinationRig();
        rig.Logs.Expect(DestinationRig.ReadBackFailed);
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        FinalizeOutcome outcome = new FinalizeOutcome.Unknown();
        for (var round = 0; round < 3; round++)
        {
            var gate = new TaskCompletionSource();
            rig.Storage.VerifyGate = gate.Task;
            rig.SendMissing(Torrent, open with { Have = rig.Storage.CopyHave() }, init);
            rig.Storage.Corrupt(2);
            gate.SetResult();
            outcome = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent));
        }

        await rig.DriveAsync(() => rig.GetStatusAsync(Torrent.Id).GetAwaiter().GetResult().State == DestinationTorrentState.Failed);
        Assert.That((await rig.GetStatusAsync(Torrent.Id)).Refusal!.Reason, Is.EqualTo(RefusalReason.VerificationRepeats));
    }

    [Test]
    public async Task FailingDisk_WhilePublishing_IsWaitedFor()
    {
        await using var rig = new DestinationRig();
        rig.Disk.Fail(nameof(ITorrentStorage.PublishFilesAsync), StorageFault.Io);
        rig.Disk.Fail(nameof(ITorrentStorage.PublishFilesAsync), StorageFault.Io);
        Assert.That(await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    public async Task ForeignFile_AtTheFinalName_IsWaitedForUntilItIsGone()
    {
        await using var rig = new DestinationRig();
        rig.Logs.Expect(DestinationRig.PublishRefused);
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        rig.Disk.Files["disc.iso"] = [9];
        rig.SendMissing(Torrent, open, init);
        var waits = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 5);
        Assert.That((waits as FinalizeOutcome.Running)?.Progress.Waiting, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That(rig.Disk.Files["disc.iso"], Is.EqualTo([9]));
        lock (rig.Disk.Gate)
        {
            rig.Disk.Files.Remove("disc.iso");
        }

        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(23)]
    public async Task FullDisk_StopsIntakeSaysSoAndGoesOnByItself()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        rig.Disk.FreeBytes = 0;
        await rig.DriveAsync(() => rig.Send(Torrent, 0, open.Epoch) == PieceAckStatus.NoSpace);
        await rig.DriveAsync(() => rig.Engine.Status.Problem.Contains("full", StringComparison.Ordinal));
        await using var watch = rig.Engine.WatchAsync(DestinationRig.Source, CancellationToken.None).GetAsyncEnumerator();
        Assert.That(await watch.MoveNextAsync(), Is.True);
        rig.Disk.FreeBytes = 12L << 30;
        while (watch.Current is not DestinationUpdate.Room)
        {
            Assert.That(await rig.DriveAsync(watch.MoveNextAsync().AsTask()), Is.True);
        }

        rig.SendMissing(Torrent, open with { Have = rig.Storage.CopyHave() }, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Logs.Entries.Count(static entry => entry.Id.Name == "Full"), Is.EqualTo(1));
    }

    [Test]
    public async Task Restart_WhileReceiving_KeepsWhatWasReceived()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        rig.Send(Torrent, 1, open.Epoch);
        await rig.RestartAsync();
        var again = await rig.OpenAsync(init with { Torrent = default });
        Assert.That((again.Have.Count, again.Have[1]), Is.EqualTo((1, true)));
        rig.SendMissing(Torrent, again, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [TestCase(StoredPhase.Published)]
    [TestCase(StoredPhase.AddIntent)]
    [TestCase(StoredPhase.Added)]
    public async Task Restart_WhileRegistering_GoesOnByItselfAndAddsOnce(StoredPhase phase)
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        await rig.SyncAsync(Torrent, init);
        await rig.StopAsync();
        await rig.EditAsync(storage => storage.SetPhaseAsync(phase, null, CancellationToken.None));
        if (phase == StoredPhase.Published)
        {
            rig.Client.RemoveAll();
        }

        rig.Start();
        await rig.DriveAsync(() => rig.Store.Open.Count > 0 && rig.Storage.Phase == StoredPhase.Complete);
        Assert.That(rig.Client.Adds, Is.EqualTo(phase == StoredPhase.Published ? 2 : 1));
    }

    [Test]
    public async Task Restart_AfterAnAddIntentThatDidNothing_Adds()
    {
        await using var rig = new DestinationRig();
        await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent));
        await rig.StopAsync();
        await rig.EditAsync(static storage => storage.SetPhaseAsync(StoredPhase.AddIntent, null, CancellationToken.None));
        rig.Client.RemoveAll();
        rig.Start();
        await rig.DriveAsync(() => rig.Store.Open.Count > 0 && rig.Storage.Phase == StoredPhase.Complete);
        Assert.That(rig.Client.Adds, Is.EqualTo(2));
    }

    [Test]
    public async Task Restart_AfterComplete_StaysComplete()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        await rig.SyncAsync(Torrent, init);
        await rig.RestartAsync();
        Assert.That(await rig.InitAsync(init), Is.InstanceOf<InitOutcome.Complete>());
        Assert.That((rig.Client.Adds, rig.Metric("qbsync_torrents_synced_total", ("mode", "destination"))), Is.EqualTo((1, double.NaN)));
    }

    [Test]
    public async Task Restart_WithAFinalFileGone_NeedsItAgain()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        await rig.SyncAsync(Torrent, init);
        await rig.StopAsync();
        await rig.EditAsync(static storage => storage.SetPhaseAsync(StoredPhase.Published, null, CancellationToken.None));
        rig.Disk.Files.Clear();
        rig.Client.RemoveAll();
        rig.Start();
        var outcome = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent));
        Assert.That(outcome, Is.InstanceOf<FinalizeOutcome.Incomplete>().With.Property("Have").Property("Count").Zero);
    }

    [Test]
    [DestinationCase(116)]
    [MetricCase("A02")]
    public async Task Abort_WhileReceiving_RemovesAndOpensAnew()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        rig.Send(Torrent, 0, open.Epoch);
        rig.Disk.Fail(nameof(ITorrentStorage.DiscardAsync), StorageFault.Io);
        Assert.That(await rig.AbortAsync(Torrent.Id, AbortCause.RemovedAtSource), Is.InstanceOf<AbortOutcome.Done>());
        Assert.That(rig.Send(Torrent, 0, open.Epoch), Is.EqualTo(PieceAckStatus.NotOpen));
        Assert.That((await rig.GetStatusAsync(Torrent.Id)).State, Is.EqualTo(DestinationTorrentState.Absent));
        Assert.That(rig.Metric("qbsync_sync_outcomes_total", ("result", "aborted")), Is.EqualTo(1));
        Assert.That(await rig.SyncAsync(Torrent, init), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(81)]
    public async Task Abort_RemovedAtSourceWithEverythingHeld_FinalizesInstead()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        rig.SendMissing(Torrent, await rig.OpenAsync(init), init);
        Assert.That(await rig.AbortAsync(Torrent.Id, AbortCause.RemovedAtSource), Is.InstanceOf<AbortOutcome.FinalizingInstead>());
        await rig.DriveAsync(() => rig.Client.Only?.Tags.Contains("synced") == true);
    }

    [Test]
    [DestinationCase(82)]
    public async Task Abort_ExcludedWhileVerifying_JoinsTheWorkAndAddsNothing()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        var open = await rig.OpenAsync(init);
        rig.Storage.VerifyGate = new TaskCompletionSource().Task;
        rig.SendMissing(Torrent, open, init);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 2), Is.InstanceOf<FinalizeOutcome.Running>());
        Assert.That(await rig.AbortAsync(Torrent.Id, AbortCause.Excluded), Is.InstanceOf<AbortOutcome.Done>());
        Assert.That((rig.Client.Adds, rig.Disk.TorrentCount, rig.Disk.Files.Count), Is.EqualTo((0, 0, 0)));
    }

    [Test]
    [DestinationCase(126)]
    public async Task Stop_Idle_RefusesAndEndsWatchers()
    {
        var rig = new DestinationRig();
        await rig.OpenAsync(DestinationRig.MakeInit(Torrent));
        await using var watch = rig.Engine.WatchAsync(DestinationRig.Source, CancellationToken.None).GetAsyncEnumerator();
        Assert.That(await watch.MoveNextAsync(), Is.True);
        var engine = rig.Engine;
        await rig.DisposeAsync();
        while (watch.Current is not DestinationUpdate.Stopping)
        {
            Assert.That(await watch.MoveNextAsync(), Is.True);
        }

        Assert.That(await watch.MoveNextAsync(), Is.False);
        Assert.That(rig.Send(Torrent, 0, 1), Is.EqualTo(PieceAckStatus.Busy));
        Assert.That(
            await engine.InitAsync(DestinationRig.Source, DestinationRig.MakeInit(Torrent), CancellationToken.None),
            Is.InstanceOf<InitOutcome.Refused>().With.Property("Refusal").Property("Reason").EqualTo(RefusalReason.Stopping));
    }
}
