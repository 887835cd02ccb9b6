using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Registering at a client that misbehaves.</summary>
public sealed class DestinationClientTests
{
    private static BuiltTorrent Torrent => DestinationSyncTests.Single;

    [Test]
    [DestinationCase(87)]
    [ClientCase(17)]
    public async Task Add_WhoseAnswerIsLost_IsNeverRepeated()
    {
        await using var rig = new DestinationRig();
        rig.Client.LosesAddReply = true;
        await CompleteAsync(rig);
        Assert.That(rig.Client.Adds, Is.EqualTo(1));
    }

    [Test]
    [ClientCase(17)]
    public async Task Add_ListedTwentySecondsLater_IsWaitedForAndNeverRepeated()
    {
        await using var rig = new DestinationRig();
        rig.Client.ListsAddsAfter = TimeSpan.FromSeconds(20);
        await CompleteAsync(rig);
        Assert.That(rig.Client.Adds, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(87)]
    [ClientCase(17)]
    public async Task Add_ThatFailsThoughItIsDone_IsNeverRepeated()
    {
        await using var rig = new DestinationRig();
        rig.Client.FailsThoughAdded = true;
        await CompleteAsync(rig);
        Assert.That(rig.Client.Adds, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(87)]
    [ClientCase(17)]
    [MetricCase("C03")]
    public async Task Add_ThatTheClientDoesNotKeep_IsTriedFiveTimesThenRefused()
    {
        await using var rig = new DestinationRig();
        rig.Client.IgnoresAdds = true;
        rig.Step = TimeSpan.FromSeconds(2);
        var outcome = await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent), atMost: 5000);
        Assert.That(GetReason(outcome), Is.EqualTo(RefusalReason.ClientRefused));
        Assert.That(rig.Client.Adds, Is.EqualTo(5));
        Assert.That((await rig.GetStatusAsync(Torrent.Id)).State, Is.EqualTo(DestinationTorrentState.Failed));
        Assert.That(rig.Metric("qbsync_finalization_errors_total", ("mode", "destination")), Is.EqualTo(1));
        Assert.That(rig.Metric("qbsync_sync_outcomes_total", ("result", "failure")), Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(87)]
    public async Task Add_ThatTheClientRefuses_FailsAndIsRetriedByInit()
    {
        await using var rig = new DestinationRig();
        rig.Client.RefusesAdds = true;
        var init = DestinationRig.MakeInit(Torrent);
        Assert.That(GetReason(await rig.SyncAsync(Torrent, init)), Is.EqualTo(RefusalReason.ClientRefused));
        rig.Client.RefusesAdds = false;
        var open = await rig.OpenAsync(init);
        Assert.That(open.Have.IsFull, Is.True);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(93)]
    [MetricCase("A19")]
    public async Task Files_ThatTheClientDoesNotFind_AreCheckedOnceThenNamed()
    {
        await using var rig = new DestinationRig(configure: static options => options.Recheck = RecheckPolicy.Never);
        rig.Client.LooksElsewhere = true;
        var outcome = await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent));
        Assert.That(GetReason(outcome), Is.EqualTo(RefusalReason.ClientMissingFiles));
        Assert.That(((FinalizeOutcome.Refused)outcome).Refusal.Detail, Does.Contain("/data"));
        Assert.That(rig.Client.Rechecks, Is.EqualTo(1));
        Assert.That(rig.Metric("qbsync_client_state_violations_total", ("kind", "missing_files")), Is.EqualTo(1));
        Assert.That(rig.Client.Only!.Tags, Does.Not.Contain("synced"));
    }

    [Test]
    [DestinationCase(94)]
    [MetricCase("A19")]
    public async Task Torrent_ActiveByItselfAfterAdd_IsStopped()
    {
        await using var rig = new DestinationRig();
        rig.Client.IsActiveAfterAdd = true;
        await CompleteAsync(rig);
        Assert.That(rig.Client.Stops, Is.EqualTo(1));
        Assert.That(rig.Client.Only!.State, Is.EqualTo(ClientTorrentState.StoppedUp));
        Assert.That(rig.Metric("qbsync_client_state_violations_total", ("kind", "active")), Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(95)]
    [MetricCase("C21")]
    public async Task Tags_ThatAreDropped_AreCountedNeverFatalAndSetLater()
    {
        await using var rig = new DestinationRig();
        rig.Client.DropsTags = true;
        await CompleteAsync(rig);
        Assert.That(rig.Metric("qbsync_tag_application_errors_total", ("mode", "destination")), Is.EqualTo(1));
        rig.Client.DropsTags = false;
        await rig.DriveAsync(() => rig.Client.Only!.Tags.Contains("synced"));
        Assert.That(rig.Metric("qbsync_tag_application_errors_total", ("mode", "destination")), Is.EqualTo(1), "what worked is no failure");
    }

    [Test]
    [DestinationCase(89)]
    public async Task Selection_ThatTheClientDrops_IsRefusedAndNothingStarted()
    {
        await using var rig = new DestinationRig();
        rig.Client.DropsSelections = true;
        rig.Step = TimeSpan.FromSeconds(1);
        var torrent = DestinationSyncTests.Multi;
        var outcome = await rig.SyncAsync(torrent, DestinationRig.MakeInit(torrent, static file => file.Index == 0));
        Assert.That(GetReason(outcome), Is.EqualTo(RefusalReason.ClientRefused));
        Assert.That(rig.Client.Starts, Is.Zero);
    }

    [Test]
    public async Task Check_ThatTakesLong_IsWaitedFor()
    {
        await using var rig = new DestinationRig();
        rig.Options.Recheck = RecheckPolicy.Always;
        rig.Client.LooksPerCheck = 50;
        await CompleteAsync(rig);
        Assert.That(rig.Client.Rechecks, Is.EqualTo(1));
    }

    [Test, ClientCase(50)]
    public async Task Client_DownWhileFinalizing_IsWaitedForAndNothingIsCounted()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        rig.SendMissing(Torrent, await rig.OpenAsync(init), init);
        rig.Client.IsDown = true;
        var finalize = DestinationRig.MakeFinalize(init, Torrent);
        var outcome = await rig.FinalizeAsync(finalize, atMost: 60);
        Assert.That(outcome, Is.InstanceOf<FinalizeOutcome.Running>());
        Assert.That(((FinalizeOutcome.Running)outcome).Progress.Waiting, Is.EqualTo(RefusalReason.ClientUnreachable));
        await rig.DriveAsync(() => rig.Engine.Status is { ClientOk: false, Torrents: [{ WaitingFor: Engine.Status.WaitingReason.Client }] });
        rig.Client.IsDown = false;
        Assert.That(await rig.FinalizeAsync(finalize), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Metric("qbsync_finalization_errors_total", ("mode", "destination")), Is.Zero);
        Assert.That(rig.Client.Adds, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(105)]
    public async Task CompleteRecord_WithoutAFreshLookAtTheClient_IsNotSaidComplete()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        await rig.SyncAsync(Torrent, init);
        rig.Client.IsDown = true;
        await rig.PassAsync(TimeSpan.FromSeconds(33));
        var status = await rig.GetStatusAsync(Torrent.Id);
        Assert.That(status.State, Is.Not.EqualTo(DestinationTorrentState.Complete));
        Assert.That(status.Refusal!.Reason, Is.EqualTo(RefusalReason.ClientUnreachable));
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent), atMost: 2), Is.InstanceOf<FinalizeOutcome.Running>());
        rig.Client.IsDown = false;
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
    }

    [Test]
    [DestinationCase(97)]
    public async Task CompleteTorrent_DeletedFromTheClient_IsReceivingAndRegisteredAgainWithoutPayload()
    {
        await using var rig = new DestinationRig();
        var init = DestinationRig.MakeInit(Torrent);
        await rig.SyncAsync(Torrent, init);
        rig.Client.RemoveAll();
        await rig.DriveAsync(() => rig.GetStatusAsync(Torrent.Id).GetAwaiter().GetResult().State == DestinationTorrentState.Receiving);
        var open = await rig.OpenAsync(init);
        Assert.That(open.Have.IsFull, Is.True);
        Assert.That(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
        Assert.That(rig.Client.Adds, Is.EqualTo(2));
    }

    [Test]
    [DestinationCase(99)]
    public async Task NoClient_Finalize_KeepsTheFilesAndSaysSo()
    {
        await using var rig = new DestinationRig(withClient: false);
        var init = DestinationRig.MakeInit(Torrent);
        Assert.That(GetReason(await rig.SyncAsync(Torrent, init)), Is.EqualTo(RefusalReason.NoClient));
        Assert.That(GetReason(await rig.FinalizeAsync(DestinationRig.MakeFinalize(init, Torrent))), Is.EqualTo(RefusalReason.NoClient));
        Assert.That(rig.Disk.Files, Does.ContainKey("disc.iso"));
    }

    internal static RefusalReason? GetReason(FinalizeOutcome outcome) => (outcome as FinalizeOutcome.Refused)?.Refusal.Reason;

    private static async Task CompleteAsync(DestinationRig rig) =>
        Assert.That(await rig.SyncAsync(Torrent, DestinationRig.MakeInit(Torrent)), Is.InstanceOf<FinalizeOutcome.Complete>());
}
