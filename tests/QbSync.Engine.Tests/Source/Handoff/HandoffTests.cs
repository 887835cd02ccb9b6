using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Handoff;

[TestFixture]
internal sealed class HandoffTests
{
    [Test]
    [SourceCase(88)]
    public async Task GoodRun_GoesInOrder()
    {
        await using var rig = new HandoffRig();
        var began = rig.Time.GetUtcNow();

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(
            rig.Calls, Is.EqualTo(["there.prove", "here.stop", "there.start", "there.prove", "here.delete", "turn.deleted", "there.confirm"]));
        Assert.That(rig.Client.Deleted, Is.EqualTo([(rig.Torrent.Id, true)]));
        Assert.That(rig.Time.GetUtcNow() - began, Is.GreaterThan(TimeSpan.FromSeconds(40)), "the grace time");
        var held = rig.Destination.Find(rig.Torrent.Torrent.Id)!;
        Assert.That(held.Tags, Is.EqualTo(["source-removed"]));
        Assert.That(held.IsClosed, Is.True);
        Assert.That(rig.Records.All.Keys, Is.EqualTo([$"torrents/{rig.Torrent.Torrent.Id}.json"]), "the record stays, the entry goes");
    }

    [Test]
    [SourceCase(88)]
    public async Task EmptyTag_SetsNone()
    {
        await using var rig = new HandoffRig(configure: static options => options.SourceRemovedTag = "");

        await rig.RunToEndAsync(rig.Begin());

        Assert.That(rig.Destination.Find(rig.Torrent.Torrent.Id)!.Tags, Is.Empty);
    }

    [Test]
    public async Task Settles_BeforeTheStartThere()
    {
        await using var rig = new HandoffRig();
        DateTimeOffset stopped = default, started = default;
        rig.OnCall = (call, before) =>
        {
            (stopped, started) = call switch
            {
                "here.stop" when !before => (rig.Time.GetUtcNow(), started),
                "there.start" when before => (stopped, rig.Time.GetUtcNow()),
                _ => (stopped, started),
            };
            return default;
        };

        await rig.RunToEndAsync(rig.Begin());

        Assert.That(started - stopped, Is.InRange(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10)));
    }

    [Test]
    public async Task Drain_AndDesperateWant_GiveNoGrace([Values] bool isDrain)
    {
        await using var rig = new HandoffRig(configure: static options => options.Handoff.DeleteGrace = TimeSpan.FromHours(5));
        rig.IsDesperate = !isDrain;
        var began = rig.Time.GetUtcNow();

        var end = await rig.RunToEndAsync(rig.Begin(isDrain ? HandoffCause.Drain : HandoffCause.Pressure));

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(rig.Time.GetUtcNow() - began, Is.LessThan(TimeSpan.FromMinutes(2)));
    }

    [Test]
    public async Task Group_OneRefusesTheLastProof_AllGoBack()
    {
        await using var rig = new HandoffRig(torrents: 3);
        var proofs = 0;
        rig.Destination.OnProve = proof => ++proofs > 3 && proof.Id == rig.Torrents[1].Torrent.Id
            ? new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete, "changed")) : null;

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end, Has.Property("Result").EqualTo(HandoffResult.RolledBack).And.Property("Reason").Contains("film1"));
        Assert.That(rig.Client.Deleted, Is.Empty);
        Assert.That(rig.Torrents.All(rig.IsActiveHere), Is.True);
        Assert.That(rig.Torrents.Any(rig.IsActiveThere), Is.False);
    }

    [Test]
    [SourceCase(95)]
    public async Task StoppedByItsUser_StaysStoppedAfterAFailure()
    {
        await using var rig = new HandoffRig();
        rig.Torrent.IsStopped = true;
        rig.Destination.OnStart = static _ => new StartOutcome.Refused(new Refusal(RefusalReason.NotSeeding, "missingFiles"));

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(rig.Torrent.IsStopped, Is.True);
        Assert.That(rig.Calls, Does.Not.Contain("here.start"));
    }

    [Test]
    [SourceCase(95)]
    public async Task SelectionChangedMeanwhile_IsRefusedAtTheLastProof()
    {
        await using var rig = new HandoffRig();
        var run = rig.Begin();
        await rig.PassUntilAsync(() => run.Run.Entry.Step == HandoffStep.Waiting);
        rig.Client.Change(() => rig.Torrent.Unselected.Add(0));

        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.True);
        Assert.That(rig.Client.Deleted, Is.Empty);
    }

    [Test]
    public async Task StartedHereByItsUserMeanwhile_TheDestinationIsStopped()
    {
        await using var rig = new HandoffRig { MayOverlap = true };
        var run = rig.Begin();
        await rig.PassUntilAsync(() => run.Run.Entry.Step == HandoffStep.Waiting);
        rig.Client.Change(() => rig.Torrent.IsStopped = false);

        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That((rig.IsActiveHere(rig.Torrent), rig.IsActiveThere(rig.Torrent)), Is.EqualTo((true, false)));
    }

    [Test]
    [SourceCase(96)]
    public async Task DeleteAnsweredAndNotDone_IsTriedAgainAndConfirmedOnce()
    {
        await using var rig = new HandoffRig();
        rig.Torrent.IsDeaf = false;
        var deletes = 0;
        rig.OnCall = (call, before) =>
        {
            if (call == "here.delete" && before)
            {
                rig.Torrent.IsDeaf = ++deletes < 3;
            }

            return default;
        };

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(deletes, Is.EqualTo(3));
        Assert.That(rig.Calls.Count(static call => call == "there.prove"), Is.EqualTo(4), "each try after a new proof");
        Assert.That(rig.Destination.Count("Confirm"), Is.EqualTo(1));
    }

    [Test]
    public async Task SharedWithOneThatStays_LosesItsEntryAndKeepsItsFiles()
    {
        await using var rig = new HandoffRig();
        rig.Shared.Add(rig.Torrent.Id);

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(rig.Client.Deleted, Is.EqualTo([(rig.Torrent.Id, false)]));
    }

    [Test]
    public async Task LongWaitForATurn_IsProvenAnew()
    {
        await using var rig = new HandoffRig();
        var turn = new TaskCompletionSource<bool>();
        rig.Turn = turn.Task;
        var run = rig.Begin();
        await rig.PassUntilAsync(() => run.Run.Entry.Step == HandoffStep.Proving);
        await rig.PassAsync(TimeSpan.FromMinutes(8));
        Assert.That(rig.Calls.Count(static call => call == "there.prove"), Is.EqualTo(2));
        turn.SetResult(true);

        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(rig.Calls.Count(static call => call == "there.prove"), Is.EqualTo(3));
    }

    [Test]
    public async Task NoTurn_GoesBack()
    {
        await using var rig = new HandoffRig { Turn = Task.FromResult(false) };

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.RolledBack));
        Assert.That(rig.IsActiveHere(rig.Torrent), Is.True);
    }

    [Test]
    public async Task RemovedByItsUserMeanwhile_SeedsThereAndIsConfirmed([Values] bool early)
    {
        await using var rig = new HandoffRig();
        var run = rig.Begin();
        await rig.PassUntilAsync(() => run.Run.Entry.Step == (early ? HandoffStep.Stopping : HandoffStep.Waiting));
        rig.Client.Remove(rig.Torrent);

        var end = await rig.RunToEndAsync(run);

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(rig.IsActiveThere(rig.Torrent), Is.True);
        Assert.That(rig.Destination.Count("Confirm"), Is.EqualTo(1));
        Assert.That(rig.Destination.Count("StartRemovedAtSource"), Is.EqualTo(1));
    }

    [Test]
    [SourceCase(98)]
    public async Task Overlap_BothSeedForThatLong_ThenTheStop()
    {
        await using var rig = new HandoffRig(configure: static options => options.Handoff.Overlap = TimeSpan.FromHours(1)) { MayOverlap = true };
        DateTimeOffset started = default, stopped = default;
        rig.OnCall = (call, before) =>
        {
            (started, stopped) = call switch
            {
                "there.start" when !before => (rig.Time.GetUtcNow(), stopped),
                "here.stop" when before => (started, rig.Time.GetUtcNow()),
                _ => (started, stopped),
            };
            return default;
        };

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(stopped - started, Is.InRange(TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(61)));
    }

    [Test]
    [SourceCase(98)]
    public async Task Overlap_PrivateOnesAreExclusiveAllTheSame()
    {
        await using var rig = new HandoffRig(configure: static options => options.Handoff.Overlap = TimeSpan.FromHours(1), isPrivate: true);

        var end = await rig.RunToEndAsync(rig.Begin());

        Assert.That(end!.Result, Is.EqualTo(HandoffResult.HandedOff));
        Assert.That(rig.Calls.Take(3), Is.EqualTo(["there.prove", "here.stop", "there.start"]));
    }
}
