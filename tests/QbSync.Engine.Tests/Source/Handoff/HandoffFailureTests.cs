using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Handoff;

[TestFixture]
internal sealed class HandoffFailureTests
{
    private static PeerException Lost => new(PeerFault.Timeout, "no answer");

    private static Refusal NotSeeding => new(RefusalReason.NotSeeding, "stalledDL");

    [Test]
    [SourceCase(90)]
    public async Task StartWorked_AnswerLost_GoesOn()
    {
        await using var rig = new HandoffRig();
        rig.OnCall = static (call, before) => call == "there.start" && !before ? throw Lost : default;

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(rig.Destination.Count("StartHandoff"), Is.EqualTo(1));
    }

    [Test]
    [SourceCase(90)]
    public async Task StartLostOnItsWay_GoesBackThereFirst()
    {
        await using var rig = new HandoffRig();
        rig.OnCall = static (call, before) => call == "there.start" && before ? throw Lost : default;

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(rig.Calls, Is.EqualTo(["there.prove", "here.stop", "there.withdraw", "here.start"]));
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.True);
    }

    [Test]
    [SourceCase(90)]
    public async Task Uncertain_IsSettledByWhatTheStatusShows([Values] bool isActive)
    {
        await using var rig = new HandoffRig();
        var held = rig.Destination.Find(rig.Torrent.Torrent.Id)!;
        rig.Destination.OnStart = _ =>
        {
            (held.State, held.StatusRefusal) = (DestinationTorrentState.Finalizing, new Refusal(RefusalReason.Uncertain));
            held.IsActive = isActive;
            return new StartOutcome.Refused(new Refusal(RefusalReason.Uncertain));
        };
        var run = rig.Begin();
        await rig.PassUntilAsync(() => rig.Calls.Contains("there.start"));
        await rig.PassAsync(TimeSpan.FromMinutes(2));
        Assert.That(run.Run.Entry.Step, Is.EqualTo(HandoffStep.Starting), "nothing is decided while it is not known");

        (held.State, held.StatusRefusal) = (isActive ? DestinationTorrentState.HandedOff : DestinationTorrentState.Complete, null);
        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(isActive ? HandoffResult.HandedOff : HandoffResult.RolledBack));
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.Not.EqualTo(isActive));
    }

    [Test]
    [SourceCase(91)]
    public async Task DestinationSilent_SeedsHereAfterTenMinutesAndNotBefore()
    {
        await using var rig = new HandoffRig { MayOverlap = true };
        rig.Log.Expect(4108);
        var run = rig.Begin();
        await rig.PassUntilAsync(() => rig.Calls.Contains("there.start"));
        rig.Destination.SetDown(true);
        var silent = rig.Time.GetUtcNow();

        await rig.PassUntilAsync(() => rig.IsActiveHere(rig.Torrent));

        Assert.That(rig.Time.GetUtcNow() - silent, Is.InRange(TimeSpan.FromMinutes(9.9), TimeSpan.FromMinutes(10.6)));
        await rig.PassAsync(TimeSpan.FromMinutes(20));
        Assert.That(run.Run.Entry.Step, Is.EqualTo(HandoffStep.RollingBack));
        Assert.That(run.Running.IsCompleted, Is.False);

        rig.Destination.SetDown(false);
        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That((rig.IsActiveHere(rig.Torrent), rig.IsActiveThere(rig.Torrent)), Is.EqualTo((true, false)));
        Assert.That(rig.Records.All.Keys, Has.None.StartsWith("handoff/"));
    }

    [Test]
    public async Task DestinationAwayForNineMinutes_GoesOn()
    {
        await using var rig = new HandoffRig();
        var run = rig.Begin();
        await rig.PassUntilAsync(() => run.Run.Entry.Step == HandoffStep.Waiting);
        rig.Destination.SetDown(true);
        await rig.PassAsync(TimeSpan.FromMinutes(9));
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.False);
        rig.Destination.SetDown(false);

        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
    }

    [Test]
    [SourceCase(92)]
    [MetricCase("C04")]
    public async Task StopNotReadBack_StartsNothingThere()
    {
        await using var rig = new HandoffRig();
        rig.Torrent.IsDeaf = true;

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(rig.Destination.Count("StartHandoff"), Is.Zero);
        Assert.That(rig.Destination.Count("Withdraw"), Is.Zero);
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.True);
        Assert.That(rig.Calls, Does.Contain("here.start"), "a stop that is late is overtaken by a start after it");
        Assert.That(await rig.ScrapeAsync(), Does.Contain("qbsync_torrent_stop_errors_total{mode=\"source\"} 1"));
    }

    [Test]
    [SourceCase(92)]
    public async Task StartRefused_SeedsHereWithinAMinute()
    {
        await using var rig = new HandoffRig();
        DateTimeOffset refused = default;
        rig.Destination.OnStart = _ =>
        {
            refused = rig.Time.GetUtcNow();
            return new StartOutcome.Refused(NotSeeding);
        };

        var run = rig.Begin();
        await rig.PassUntilAsync(() => rig.Calls.Contains("here.start"));
        var back = rig.Time.GetUtcNow();
        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(back - refused, Is.LessThan(TimeSpan.FromSeconds(60)));
        Assert.That(rig.Client.Deleted, Is.Empty);
    }

    [Test]
    [SourceCase(92)]
    [MetricCase("C05")]
    public async Task ResumeFails_IsTriedUntilItWorks()
    {
        await using var rig = new HandoffRig();
        rig.Log.Expect(4105);
        rig.Destination.OnStart = static _ => new StartOutcome.Refused(NotSeeding);
        var tries = 0;
        rig.OnCall = (call, before) => call == "here.start" && before && ++tries <= 8
            ? throw new TorrentClientException(ClientFault.ServerError, "start", "The client is busy with itself.") : default;

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.True);
        Assert.That(await rig.ScrapeAsync(), Does.Contain("qbsync_torrent_resume_errors_total{mode=\"source\"} 8"));
    }

    [Test]
    [SourceCase(94)]
    public async Task TrackerRefuses_GoesBackForSixHours()
    {
        await using var rig = new HandoffRig();
        rig.Destination.Find(rig.Torrent.Torrent.Id)!.Announce = AnnounceState.Rejected;

        var run = rig.Begin();
        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(run.Run.Entry.WasRefusedByTracker, Is.True);
        Assert.That(HandoffRules.RestAfter(1, wasRefusedByTracker: true, end.Result), Is.EqualTo(TimeSpan.FromHours(6)));
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.True);
    }

    [Test]
    [SourceCase(94)]
    public async Task TrackerSilent_GoesBackAfterTheTimeout()
    {
        await using var rig = new HandoffRig();
        rig.Destination.Find(rig.Torrent.Torrent.Id)!.Announce = AnnounceState.NotYet;
        var began = rig.Time.GetUtcNow();

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(rig.Time.GetUtcNow() - began, Is.GreaterThan(rig.Options.Handoff.AnnounceTimeout));
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.True);
    }

    [Test]
    [SourceCase(94)]
    public async Task NoTrackers_OrNoWishToVerify_Passes([Values] bool hasTrackers)
    {
        await using var rig = new HandoffRig(configure: options => options.Handoff.VerifyAnnounce = !hasTrackers);
        rig.Torrent.Trackers = hasTrackers ? rig.Torrent.Trackers : [];
        rig.Destination.Find(rig.Torrent.Torrent.Id)!.Announce = hasTrackers ? AnnounceState.NotYet : AnnounceState.None;

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
    }

    [Test]
    [SourceCase(94)]
    public async Task MissingFilesDuringTheGrace_GoesBack()
    {
        await using var rig = new HandoffRig();
        var run = rig.Begin();
        await rig.PassUntilAsync(() => run.Run.Entry.Step == HandoffStep.Waiting);
        rig.Destination.Find(rig.Torrent.Torrent.Id)!.ForcedState = ClientTorrentState.MissingFiles;

        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.True);
        Assert.That(rig.Client.Deleted, Is.Empty);
    }

    [Test]
    public async Task RefusedProof_TouchesNothing()
    {
        await using var rig = new HandoffRig();
        rig.Destination.OnProve = static _ => new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete));

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.Refused));
        Assert.That(rig.Calls, Is.EqualTo(["there.prove"]));
        Assert.That(rig.Records.All.Keys, Has.None.StartsWith("handoff/"));
    }

    [Test]
    [SourceCase(99)]
    public async Task LeaseLost_TakesNoFurtherStepAndLeavesTheEntry([Values("prove", "start", "withdraw", "confirm")] string where)
    {
        await using var rig = new HandoffRig();
        var superseded = new Refusal(RefusalReason.Superseded);
        var isLost = true;
        rig.Destination.OnProve = _ => isLost && where == "prove" ? new ProveOutcome.Refused(superseded) : null;
        rig.Destination.OnStart = _ => isLost && where == "start" ? new StartOutcome.Refused(superseded)
            : where == "withdraw" ? new StartOutcome.Refused(NotSeeding) : null;
        rig.Destination.OnWithdraw = _ => isLost && where == "withdraw" ? new WithdrawOutcome.Refused(superseded) : null;
        rig.Destination.OnConfirm = _ => isLost && where == "confirm" ? new ConfirmOutcome.Refused(superseded) : null;

        Assert.That(await rig.RunToEndAsync(rig.Begin()), Is.Null);
        var calls = rig.Calls.Count;
        await rig.PassAsync(TimeSpan.FromMinutes(30));
        Assert.That(rig.Calls, Has.Count.EqualTo(calls));
        isLost = false;
        var next = await rig.RecoverAsync();
        await rig.RunToEndAsync(next!);

        Assert.That(rig.Torrents.Count(rig.IsActiveHere) + rig.Torrents.Count(rig.IsActiveThere), Is.EqualTo(1));
        Assert.That(rig.Records.All.Keys, Has.None.StartsWith("handoff/"));
    }

    [Test]
    public async Task TurnedBack_BeforeADelete_SeedsHere([Values(HandoffStep.Stopping, HandoffStep.Starting, HandoffStep.Verifying, HandoffStep.Waiting)] HandoffStep at)
    {
        await using var rig = new HandoffRig();
        var run = rig.Begin();
        await rig.PassUntilAsync(() => run.Run.Entry.Step >= at);
        run.Run.TurnBack("the time is over");

        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That((rig.IsActiveHere(rig.Torrent), rig.IsActiveThere(rig.Torrent)), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task JournalCannotBeWritten_NothingIsStopped()
    {
        await using var rig = new HandoffRig();
        rig.Log.Expect(4111);
        rig.OnCall = static (call, before) => call == "journal" && before ? throw new StorageException(StorageFault.NoSpace, "The disk is full.") : default;
        var run = rig.Begin();
        await rig.PassUntilAsync(() => run.Run.Entry.Reason.Length > 0);
        Assert.That(rig.Calls, Is.EqualTo(["there.prove"]));
        rig.OnCall = static (_, _) => default;

        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.Not.EqualTo(HandoffResult.HandedOff));
        Assert.That(rig.Calls, Does.Not.Contain("here.stop"));
    }
}
