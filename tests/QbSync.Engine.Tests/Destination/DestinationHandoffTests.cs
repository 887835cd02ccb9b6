using QbSync.Engine.Status;
using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Start, Withdraw, ConfirmHandoff and the watch, at a client that misbehaves.</summary>
public sealed class DestinationHandoffTests
{
    private static BuiltTorrent Torrent => DestinationSyncTests.Single;

    private static readonly InitRequest Init = DestinationRig.MakeInit(Torrent);

    [Test]
    public async Task Start_OfACompleteTorrent_AnswersWhatWasSeenAndIsHandedOff()
    {
        await using var rig = await CompleteAsync();
        rig.Client.Announce = (AnnounceState.Accepted, "");
        var started = (StartOutcome.Started)await rig.StartSeedingAsync(Init);
        Assert.That((started.Seen.State, started.Seen.Announce), Is.EqualTo((ClientTorrentState.StalledUp, AnnounceState.Accepted)));
        await rig.DriveAsync(() => GetState(rig) == DestinationTorrentState.HandedOff);
        Assert.That((await rig.GetStatusAsync(Torrent.Id)).Client!.Announce, Is.EqualTo(AnnounceState.Accepted));
    }

    [TestCase(ClientTorrentState.StoppedDl, 0.0)]
    [TestCase(ClientTorrentState.MissingFiles, 0.0)]
    [TestCase(ClientTorrentState.Error, 1.0)]
    [TestCase(ClientTorrentState.CheckingUp, 1.0)]
    [TestCase(ClientTorrentState.StalledDl, 0.5)]
    [DestinationCase(100)]
    public async Task Start_WhenTheClientDoesNotHaveItWhole_IsRefusedAndNothingIsActive(ClientTorrentState state, double progress)
    {
        await using var rig = await CompleteAsync();
        rig.Client.Show(state, progress);
        Assert.That((await rig.StartSeedingAsync(Init)).Reason(), Is.EqualTo(state.IsChecking() ? RefusalReason.ClientChecking : RefusalReason.NotSeeding));
        Assert.That(rig.Client.Starts, Is.Zero);
        Assert.That(rig.Client.Only!.State.IsActive(), Is.False);
    }

    [TestCase(ClientTorrentState.StalledDl)]
    [TestCase(ClientTorrentState.Downloading)]
    [TestCase(ClientTorrentState.CheckingUp)]
    [TestCase(ClientTorrentState.MissingFiles)]
    [TestCase(ClientTorrentState.Error)]
    [TestCase(null)]
    [DestinationCase(100)]
    public async Task Start_ThatDoesNotLeadToSeeding_IsRefusedAndReadBackStopped(ClientTorrentState? after)
    {
        await using var rig = await CompleteAsync();
        rig.Client.StateAfterStart = after;
        rig.Step = TimeSpan.FromMilliseconds(500);
        Assert.That((await rig.StartSeedingAsync(Init)).Reason(), Is.EqualTo(RefusalReason.NotSeeding));
        Assert.That((rig.Client.Starts, rig.Client.Stops), Is.EqualTo((1, 1)));
        Assert.That(rig.Client.Only!.State.IsStopped());
        await rig.DriveAsync(() => GetState(rig) != DestinationTorrentState.HandedOff);
    }

    [Test]
    [DestinationCase(101)]
    [TransportCase(8)]
    public async Task StartAndConfirm_EachTwice_StartOnceAndTagOnce()
    {
        await using var rig = await CompleteAsync();
        var both = await Task.WhenAll(rig.StartSeedingAsync(Init), rig.StartSeedingAsync(Init));
        Assert.That(both, Has.All.TypeOf<StartOutcome.Started>());
        await rig.PassAsync(TimeSpan.FromSeconds(5));
        Assert.That(await rig.StartSeedingAsync(Init), Is.TypeOf<StartOutcome.Started>());
        Assert.That(rig.Client.Starts, Is.EqualTo(1));

        Assert.That(await rig.ConfirmAsync(Torrent.Id), Is.TypeOf<ConfirmOutcome.Done>());
        await rig.PassAsync(TimeSpan.FromSeconds(5));
        Assert.That(await rig.ConfirmAsync(Torrent.Id), Is.TypeOf<ConfirmOutcome.Done>());
        Assert.That(rig.Client.Only!.Tags, Is.SupersetOf(["source-removed", "synced"]));
        Assert.That((rig.Client.Starts, rig.Client.Stops), Is.EqualTo((1, 0)));
    }

    [Test]
    [DestinationCase(101)]
    public async Task Start_WhoseAnswerIsLost_IsSeenAndNotRepeated()
    {
        await using var rig = await CompleteAsync();
        rig.Client.LosesStartReply = true;
        Assert.That(await rig.StartSeedingAsync(Init), Is.TypeOf<StartOutcome.Started>());
        Assert.That(rig.Client.Starts, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(101)]
    public async Task Confirm_WhenTagsAreDropped_IsDoneAllTheSameAndTheTagComesLater()
    {
        await using var rig = await CompleteAsync();
        await rig.StartSeedingAsync(Init);
        rig.Client.DropsTags = true;
        Assert.That(await rig.ConfirmAsync(Torrent.Id), Is.TypeOf<ConfirmOutcome.Done>());
        Assert.That(rig.Metric("qbsync_tag_application_errors_total", ("mode", "destination")), Is.GreaterThanOrEqualTo(1));
        await rig.RestartAsync();
        rig.Client.DropsTags = false;
        await rig.DriveAsync(() => rig.Client.Only!.Tags.Contains("source-removed"));
    }

    [Test]
    [DestinationCase(101)]
    public async Task Verbs_OfAnUnknownTorrent_SayUnknownAndWithdrawIsDone()
    {
        await using var rig = new DestinationRig();
        Assert.That(await rig.ProveAsync(Torrent, Init), Is.TypeOf<ProveOutcome.Unknown>());
        Assert.That(await rig.StartSeedingAsync(Init), Is.TypeOf<StartOutcome.Unknown>());
        Assert.That(await rig.ConfirmAsync(Torrent.Id), Is.TypeOf<ConfirmOutcome.Unknown>());
        Assert.That(await rig.WithdrawAsync(Torrent.Id), Is.EqualTo(new WithdrawOutcome.Done(null)));
    }

    [Test]
    public async Task Verbs_OfAnotherSource_FindNothing()
    {
        await using var rig = await CompleteAsync();
        var start = await rig.Engine.StartAsync(DestinationRig.Other, new StartRequest(Init.Id, StartCause.Handoff, Init.Parameters), default);
        Assert.That(start, Is.TypeOf<StartOutcome.Unknown>());
        Assert.That(rig.Client.Starts, Is.Zero);
    }

    [Test]
    public async Task Verbs_BeforeItIsComplete_AreRefusedIncomplete()
    {
        await using var rig = new DestinationRig();
        await rig.OpenAsync(Init);
        Assert.That((await rig.ProveAsync(Torrent, Init)).Reason(), Is.EqualTo(RefusalReason.Incomplete));
        Assert.That((await rig.StartSeedingAsync(Init)).Reason(), Is.EqualTo(RefusalReason.Incomplete));
        Assert.That((await rig.ConfirmAsync(Torrent.Id) as ConfirmOutcome.Refused)?.Refusal.Reason, Is.EqualTo(RefusalReason.Incomplete));
        Assert.That(await rig.WithdrawAsync(Torrent.Id), Is.EqualTo(new WithdrawOutcome.Done(null)));
    }

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(102)]
    public async Task Start_ClientDiesAfterIt_IsUncertainThenResolved(bool done)
    {
        await using var rig = await CompleteAsync();
        rig.Client.DiesAtStart = true;
        rig.Client.StateAfterStart = done ? ClientTorrentState.StalledUp : null;
        Assert.That((await rig.StartSeedingAsync(Init)).Reason(), Is.EqualTo(RefusalReason.Uncertain));
        await rig.DriveAsync(() => rig.GetStatusAsync(Torrent.Id).GetAwaiter().GetResult().Refusal?.Reason == RefusalReason.Uncertain);
        rig.Client.IsDown = false;
        await rig.DriveAsync(() => GetState(rig) == (done ? DestinationTorrentState.HandedOff : DestinationTorrentState.Complete));
        Assert.That((rig.Client.Only!.State.IsActive(), rig.Client.Starts), Is.EqualTo((done, 1)));
        Assert.That(rig.Client.Stops, Is.EqualTo(done ? 0 : 1), "a start that may still arrive is answered by a stop");
    }

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(102)]
    public async Task Start_KilledInTheMiddle_IsFoundActiveOrStoppedAtTheNextStart(bool done)
    {
        await using var rig = await CompleteAsync();
        rig.Client.DiesAtStart = true;
        rig.Client.StateAfterStart = done ? ClientTorrentState.StalledUp : null;
        Assert.That((await rig.StartSeedingAsync(Init)).Reason(), Is.EqualTo(RefusalReason.Uncertain));
        await rig.RestartAsync();
        await rig.DriveAsync(() => rig.GetStatusAsync(Torrent.Id).GetAwaiter().GetResult().Refusal?.Reason is RefusalReason.Uncertain);
        rig.Client.IsDown = false;
        await rig.DriveAsync(() => GetState(rig) == (done ? DestinationTorrentState.HandedOff : DestinationTorrentState.Complete));
        Assert.That(rig.Client.Only!.State.IsActive(), Is.EqualTo(done));
    }

    [Test]
    [DestinationCase(102)]
    public async Task Withdraw_OfAStartedTorrent_IsDoneWhenStoppedWasRead()
    {
        await using var rig = await CompleteAsync();
        await rig.StartSeedingAsync(Init);
        rig.Client.IgnoresStops = true;
        rig.Step = TimeSpan.FromMilliseconds(500);
        Assert.That((await rig.WithdrawAsync(Torrent.Id)).Reason(), Is.EqualTo(RefusalReason.Uncertain));
        Assert.That(rig.Metric("qbsync_torrent_stop_errors_total", ("mode", "destination")), Is.EqualTo(1));
        Assert.That(GetState(rig), Is.EqualTo(DestinationTorrentState.HandedOff));
        rig.Client.IgnoresStops = false;
        await rig.PassAsync(TimeSpan.FromSeconds(5));
        var done = (WithdrawOutcome.Done)await rig.WithdrawAsync(Torrent.Id);
        Assert.That(done.Seen!.State, Is.EqualTo(ClientTorrentState.StoppedUp));
        await rig.DriveAsync(() => GetState(rig) == DestinationTorrentState.Complete);
        await rig.PassAsync(TimeSpan.FromSeconds(5));
        Assert.That(await rig.WithdrawAsync(Torrent.Id), Is.TypeOf<WithdrawOutcome.Done>());
    }

    [Test]
    [DestinationCase(102)]
    public async Task Withdraw_WhileTheClientIsAway_IsRefusedUntilItIsBack()
    {
        await using var rig = await CompleteAsync();
        await rig.StartSeedingAsync(Init);
        rig.Client.IsDown = true;
        Assert.That((await rig.WithdrawAsync(Torrent.Id)).Reason(), Is.EqualTo(RefusalReason.ClientUnreachable));
        rig.Client.IsDown = false;
        await rig.PassAsync(TimeSpan.FromSeconds(5));
        Assert.That(await rig.WithdrawAsync(Torrent.Id), Is.TypeOf<WithdrawOutcome.Done>());
        Assert.That(rig.Client.Only!.State.IsStopped());
    }

    [Test]
    public async Task Withdraw_WhileItStarts_EndsTheStartAndIsDone()
    {
        await using var rig = await CompleteAsync();
        rig.Client.StateAfterStart = null;
        var start = rig.StartSeedingAsync(Init);
        await rig.DriveAsync(() => rig.Client.Starts == 1);
        Assert.That(await rig.WithdrawAsync(Torrent.Id), Is.TypeOf<WithdrawOutcome.Done>());
        Assert.That((await start).Reason(), Is.EqualTo(RefusalReason.Busy));
        Assert.That(rig.Client.Stops, Is.EqualTo(1), "a start whose effect is not known yet is answered by a stop");
        await rig.DriveAsync(() => GetState(rig) == DestinationTorrentState.Complete);
    }

    [Test]
    public async Task Withdraw_AfterTheSourceConfirmed_IsRefusedAndNothingStops()
    {
        await using var rig = await CompleteAsync();
        await rig.StartSeedingAsync(Init);
        await rig.ConfirmAsync(Torrent.Id);
        Assert.That((await rig.WithdrawAsync(Torrent.Id)).Reason(), Is.EqualTo(RefusalReason.HandedOff));
        Assert.That((rig.Client.Stops, rig.Client.Only!.State), Is.EqualTo((0, ClientTorrentState.StalledUp)));
    }

    [TestCase(ClientTorrentState.StalledDl, "downloading")]
    [TestCase(ClientTorrentState.MissingFiles, "missing_files")]
    [TestCase(ClientTorrentState.Error, "errored")]
    [DestinationCase(103)]
    [MetricCase("A19")]
    public async Task Watch_LostContentAfterStart_IsStoppedReadAgainAndToldOf(ClientTorrentState state, string kind)
    {
        await using var rig = await CompleteAsync();
        await rig.StartSeedingAsync(Init);
        rig.Client.Show(state, 0.5);
        await rig.DriveAsync(() => GetState(rig) == DestinationTorrentState.Receiving);
        Assert.That(rig.Client.Only!.State.IsActive(), Is.False);
        Assert.That(rig.Metric("qbsync_client_state_violations_total", ("kind", kind)), Is.EqualTo(1));
        Assert.That(rig.Logs.Entries.Any(static entry => entry.Id.Name == "TorrentEnteredDownload"));
        Assert.That(
            rig.Events.Select(static told => told.Kind),
            Is.EqualTo(new[] { EngineEventKind.TorrentSynced, EngineEventKind.TorrentHandedOff, EngineEventKind.TorrentEnteredDownload }));
        Assert.That(rig.Events.Select(static told => told.Torrent!.Id), Is.All.EqualTo(Torrent.Id));
    }

    [Test]
    [TransportCase(12)]
    public async Task Confirm_OfATorrentThatTheUserStopped_LeavesItStopped()
    {
        await using var rig = await CompleteAsync();
        await rig.StartSeedingAsync(Init);
        rig.Client.Show(ClientTorrentState.StoppedUp);
        Assert.That(await rig.ConfirmAsync(Torrent.Id), Is.TypeOf<ConfirmOutcome.Done>());
        await rig.PassAsync(TimeSpan.FromMinutes(2));
        Assert.That((rig.Client.Only!.State, rig.Client.Starts), Is.EqualTo((ClientTorrentState.StoppedUp, 1)));
    }

    [Test]
    [DestinationCase(103)]
    public async Task Watch_UsersStopAfterClosed_StaysOverPollsAndRestarts()
    {
        await using var rig = await CompleteAsync();
        await rig.StartSeedingAsync(Init);
        await rig.ConfirmAsync(Torrent.Id);
        rig.Client.Show(ClientTorrentState.StoppedUp);
        await rig.PassAsync(TimeSpan.FromMinutes(2));
        await rig.RestartAsync();
        await rig.PassAsync(TimeSpan.FromMinutes(2));
        Assert.That((GetState(rig), rig.Client.Only!.State), Is.EqualTo((DestinationTorrentState.HandedOff, ClientTorrentState.StoppedUp)));
        Assert.That((await rig.StartSeedingAsync(Init)).Reason(), Is.EqualTo(RefusalReason.NotSeeding));
        Assert.That(rig.Client.Starts, Is.EqualTo(1));
    }

    [Test]
    public async Task Watch_DownloadAfterClosed_IsStoppedAndNothingElse()
    {
        await using var rig = await CompleteAsync();
        await rig.StartSeedingAsync(Init);
        await rig.ConfirmAsync(Torrent.Id);
        rig.Client.Show(ClientTorrentState.StalledDl, 0.5);
        await rig.DriveAsync(() => rig.Client.Only!.State.IsStopped());
        await rig.PassAsync(TimeSpan.FromMinutes(2));
        Assert.That(GetState(rig), Is.EqualTo(DestinationTorrentState.HandedOff));
    }

    [Test]
    public async Task Start_OfWhatWasRemovedAtTheSource_IsOffByOption()
    {
        await using var rig = new DestinationRig();
        rig.Options.SourceRemovedStart = false;
        rig.Engine.Apply(rig.Options);
        await rig.SyncAsync(Torrent, Init);
        Assert.That((await rig.StartSeedingAsync(Init, StartCause.RemovedAtSource)).Reason(), Is.EqualTo(RefusalReason.StartOff));
        Assert.That(await rig.ConfirmAsync(Torrent.Id), Is.TypeOf<ConfirmOutcome.Done>());
        Assert.That((rig.Client.Starts, rig.Client.Only!.State), Is.EqualTo((0, ClientTorrentState.StoppedUp)));
        Assert.That(rig.Client.Only!.Tags, Does.Contain("source-removed"));
    }

    [TestCase(ClientTorrentState.StalledUp)]
    [TestCase(ClientTorrentState.StoppedUp)]
    public async Task Torrent_ThatWeDidNotAdd_IsNeverStartedStoppedOrTagged(ClientTorrentState state)
    {
        await using var rig = new DestinationRig();
        rig.Client.Plant(Torrent.Manifest, "/data", state, 1);
        await rig.SyncAsync(Torrent, Init);
        var start = await rig.StartSeedingAsync(Init);
        Assert.That(start.Reason(), Is.EqualTo(state.IsStopped() ? RefusalReason.NotSeeding : null));
        Assert.That(await rig.WithdrawAsync(Torrent.Id), Is.TypeOf<WithdrawOutcome.Done>());
        Assert.That(await rig.ConfirmAsync(Torrent.Id), Is.TypeOf<ConfirmOutcome.Done>());
        Assert.That((rig.Client.Starts, rig.Client.Stops, rig.Client.Only!.State, rig.Client.Only.Tags.Count), Is.EqualTo((0, 0, state, 0)));
    }

    [Test]
    [DestinationCase(105)]
    public async Task ProveAndStart_ClientSilent_AreRefusedAndNeverAnsweredFromMemory()
    {
        await using var rig = await CompleteAsync();
        Assert.That(await rig.ProveAsync(Torrent, Init), Is.TypeOf<ProveOutcome.Proven>());
        rig.Client.IsDown = true;
        Assert.That((await rig.ProveAsync(Torrent, Init, nonce: 2)).Reason(), Is.EqualTo(RefusalReason.ClientUnreachable));
        Assert.That((await rig.StartSeedingAsync(Init)).Reason(), Is.EqualTo(RefusalReason.ClientUnreachable));
        rig.Client.IsDown = false;
        Assert.That(await rig.ProveAsync(Torrent, Init, nonce: 3), Is.TypeOf<ProveOutcome.Proven>());
    }

    [Test]
    [TransportCase(12)]
    public async Task Prove_EchoesTheNonceAndNamesTheProofThatCompleteNamed()
    {
        await using var rig = new DestinationRig();
        var complete = (FinalizeOutcome.Complete)await rig.SyncAsync(Torrent, Init);
        var proof = ((ProveOutcome.Proven)await rig.ProveAsync(Torrent, Init, nonce: 77)).Proof;
        Assert.That(proof.Nonce.ToArray(), Is.EqualTo(new byte[] { 77 }));
        Assert.That(proof.ProofId.ToArray(), Is.EqualTo(complete.View.ProofId.ToArray()));
        Assert.That((proof.SelectedBytes, proof.ProvenFiles.ToArray()), Is.EqualTo((Torrent.Manifest.Files.Sum(static file => file.Length), Init.Selection.ToArray())));
        await rig.RestartAsync();
        var again = (FinalizeOutcome.Complete)await rig.FinalizeAsync(DestinationRig.MakeFinalize(Init, Torrent));
        Assert.That(again.View.ProofId.ToArray(), Is.EqualTo(complete.View.ProofId.ToArray()));
    }

    [Test]
    public async Task Prove_OfAnotherSelection_IsRefused()
    {
        await using var rig = await CompleteAsync();
        var outcome = await rig.DriveAsync(
            rig.Engine.ProveAsync(DestinationRig.Source, new ProveRequest(Init.Id, new byte[] { 1 }, new byte[32]), CancellationToken.None).AsTask());
        Assert.That(outcome.Reason(), Is.EqualTo(RefusalReason.SelectionChanged));
    }

    [Test]
    [DestinationCase(99)]
    public async Task NoClient_ProveAndStart_AreRefusedAndTheFilesStay()
    {
        await using var rig = new DestinationRig(withClient: false);
        Assert.That(await rig.SyncAsync(Torrent, Init), Is.TypeOf<FinalizeOutcome.Refused>());
        Assert.That((await rig.StartSeedingAsync(Init)).Reason(), Is.EqualTo(RefusalReason.Incomplete));
        Assert.That((await rig.ProveAsync(Torrent, Init)).Reason(), Is.EqualTo(RefusalReason.Incomplete));
        Assert.That(await rig.WithdrawAsync(Torrent.Id), Is.EqualTo(new WithdrawOutcome.Done(null)));
    }

    private static DestinationTorrentState GetState(DestinationRig rig) => rig.GetStatusAsync(Torrent.Id).GetAwaiter().GetResult().State;

    private static async Task<DestinationRig> CompleteAsync()
    {
        var rig = new DestinationRig();
        Assert.That(await rig.SyncAsync(Torrent, Init), Is.InstanceOf<FinalizeOutcome.Complete>());
        return rig;
    }
}
