using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>From the last piece to Complete: what is waited for, what goes on by itself, what never waits.</summary>
public sealed class DestinationPipelineTests
{
    private static BuiltTorrent Single => DestinationSyncTests.Single;

    private static BuiltTorrent Multi => DestinationSyncTests.Multi;

    [Test]
    [DestinationCase(70)]
    public async Task PublishTorrent_WithFilesWhole_NamesThemAtTheEnd()
    {
        await using var rig = new DestinationRig(configure: static options => options.Publish = PublishPolicy.Torrent);
        var init = DestinationRig.MakeInit(Multi);
        var open = await rig.OpenAsync(init);
        for (var piece = 0; piece < Multi.Manifest.PieceCount - 1; piece++)
        {
            rig.Send(Multi, piece, open.Epoch);
        }

        await rig.PassAsync(TimeSpan.FromMinutes(1));
        Assert.That(rig.Disk.Files.Keys, Is.Empty);
        rig.Send(Multi, Multi.Manifest.PieceCount - 1, open.Epoch);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Multi)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Disk.Files.Keys, Has.Length.EqualTo(4));
    }

    [Test]
    [DestinationCase(72)]
    public async Task FinalNames_ThroughAWholeRunWithFaults_HoldVerifiedBytesOnly()
    {
        await using var rig = new DestinationRig();
        rig.Logs.Expect(DestinationRig.ReadBackFailed);
        var init = DestinationRig.MakeInit(Multi);
        var open = await rig.OpenAsync(init);
        rig.Disk.Fail(nameof(ITorrentStorage.PublishFilesAsync), StorageFault.Io);
        var spoiled = new TaskCompletionSource();
        rig.Storage.VerifyGate = spoiled.Task; // what is spoiled after its read-back is nobody's to find
        for (var piece = 0; piece < Multi.Manifest.PieceCount; piece++)
        {
            rig.Send(Multi, piece, open.Epoch);
            if (piece == 1)
            {
                rig.Storage.Corrupt(1);
                spoiled.SetResult();
            }

            Look();
        }

        FinalizeOutcome outcome;
        do
        {
            outcome = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Multi), atMost: 1);
            Look();
            if (outcome is FinalizeOutcome.Incomplete incomplete)
            {
                rig.SendMissing(Multi, open with { Have = incomplete.Have, Deferred = incomplete.Deferred }, init);
            }
        }
        while (outcome is not FinalizeOutcome.Complete);

        void Look()
        {
            foreach (var path in rig.Disk.Files.Keys)
            {
                var index = Enumerable.Range(0, Multi.Files.Count).Single(i => Multi.Files[i].RelativePath == path);
                Assert.That(rig.Disk.Files[path], Is.EqualTo(Multi.ReadFile(index)), path);
            }
        }
    }

    [Test]
    [DestinationCase(54)]
    public async Task ReadBackOfAFile_ThatTakesLong_HoldsUpNoPiece()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Multi);
        var open = await rig.OpenAsync(init);
        rig.Storage.VerifyGate = new TaskCompletionSource().Task;
        var began = rig.Time.GetUtcNow();
        for (var piece = 0; piece < Multi.Manifest.PieceCount; piece++)
        {
            Assert.That(rig.Send(Multi, piece, open.Epoch), Is.EqualTo(PieceAckStatus.Accepted));
        }

        Assert.That(rig.Time.GetUtcNow(), Is.EqualTo(began));
        Assert.That(rig.Disk.Files.Keys, Is.Empty);
    }

    [Test]
    [DestinationCase(74)]
    [MetricCase("H05")]
    public async Task Finalize_AHundredTimes_IsOneJob()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Single);
        rig.SendMissing(Single, await rig.OpenAsync(init), init);
        var finalize = DestinationRig.MakeFinalize(init, Single);
        var all = await rig.DriveAsync(Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => rig.FinalizeAsync(finalize)))));
        Assert.That(all, Has.All.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That((rig.Client.Adds, rig.Metric("qbsync_finalization_duration_seconds_count", ("result", "success"))), Is.EqualTo((1, 1)));
    }

    [Test]
    [DestinationCase(78)]
    public async Task ReadBack_ThatStandsStill_ShowsTheDiskWithThePathAndDoesNotFail()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Single);
        var gate = new TaskCompletionSource();
        var open = await rig.OpenAsync(init);
        rig.Disk.Fail(nameof(ITorrentStorage.FlushAsync), StorageFault.Io); // early finalization's, so that the read-back is Finalize's
        rig.SendMissing(Single, open, init);
        await rig.DriveAsync(() => !rig.Disk.IsFaulty(nameof(ITorrentStorage.FlushAsync)));
        rig.Storage.VerifyGate = gate.Task;
        rig.Step = TimeSpan.FromSeconds(1);
        var waits = await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Single), atMost: 100);
        Assert.That((waits as FinalizeOutcome.Running)?.Progress, Is.EqualTo(new OperationProgress(FinalizeStage.Verifying, 0, 0, RefusalReason.StorageError)));
        Assert.That((await rig.GetStatusAsync(Single.Id)).Refusal!.Detail, Does.Contain("disc.iso"));
        gate.SetResult();
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Single)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Metric("qbsync_finalization_duration_seconds_count", ("result", "failure")), Is.Zero);
    }

    [TestCase("Find")]
    [TestCase("EnsureCategory")]
    [TestCase("Add")]
    [TestCase("GetFiles")]
    [TestCase("Select")]
    [TestCase("Recheck")]
    [TestCase("Get")]
    [TestCase("GetPieces")]
    [TestCase("AddTags")]
    [DestinationCase(80)]
    [MetricCase("C03")]
    public async Task Client_AwayTenMinutesAtEachStep_IsWaitedForAndNothingIsCounted(string step)
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Multi, static file => file.Path[^1] == "two.flac");
        rig.SendMissing(Multi, await rig.OpenAsync(init), init);
        rig.Client.DiesAt = step;
        await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Multi), atMost: 1);
        await rig.DriveAsync(() => rig.Client.IsDown);
        rig.Step = TimeSpan.FromSeconds(5);
        await rig.PassAsync(TimeSpan.FromMinutes(10));
        rig.Client.IsDown = false;
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Multi)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Metric("qbsync_finalization_errors_total", ("mode", "destination")), Is.Zero);
        Assert.That(rig.Client.Adds, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(79)]
    public async Task TorrentThatWaits_ForAPersonOrTheDisk_LetsOthersFinish()
    {
        await using var rig = new DestinationRig();
        rig.Logs.Expect(DestinationRig.PublishRefused);
        var init = DestinationRig.MakeInit(Single);
        var open = await rig.OpenAsync(init);
        rig.Disk.Files["disc.iso"] = [9];
        rig.SendMissing(Single, open, init);
        await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Single), atMost: 3);
        for (var i = 0; i < 3; i++)
        {
            var other = new TorrentBuilder($"other-{i}") { PieceLength = 65536, Length = 100_000 }.Build();
            Assert.That(await rig.SyncAsync(other, DestinationRig.MakeInit(other)), Is.InstanceOf<FinalizeOutcome.Complete>());
        }

        Assert.That((await rig.GetStatusAsync(Single.Id)).Refusal!.Reason, Is.EqualTo(RefusalReason.PathConflict));
    }

    [Test]
    [DestinationCase(77)]
    [DestinationCase(83)]
    public async Task Restart_WhileVerifyingWithTheSourceGone_GoesOnByItselfWithTheParametersOfInit()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Single);
        var open = await rig.OpenAsync(init);
        rig.Storage.VerifyGate = new TaskCompletionSource().Task; // early finalization is behind it, and Finalize behind that
        rig.SendMissing(Single, open, init);
        Assert.That(await rig.AbortAsync(Single.Id, AbortCause.RemovedAtSource), Is.InstanceOf<AbortOutcome.FinalizingInstead>());
        await rig.DriveAsync(() => rig.Storage.Phase == StoredPhase.Finalizing);
        await rig.RestartAsync();
        await rig.DriveAsync(() => rig.Store.Open.Count > 0 && rig.Storage.Phase == StoredPhase.Complete);
        Assert.That((rig.Client.Only!.Category, rig.Client.Only.Tags.Contains("iso")), Is.EqualTo(("linux", true)));
    }
}
