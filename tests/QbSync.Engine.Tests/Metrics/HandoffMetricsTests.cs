using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Metrics;

/// <summary>What whole sources show of their handoffs.</summary>
[TestFixture]
internal sealed class HandoffMetricsTests
{
    private static readonly BuiltTorrent Film = SourceWorld.Torrent("film");

    [TestCase("success")]
    [TestCase("rolled_back")]
    [TestCase("refused")]
    [MetricCase("A10")]
    public async Task Handoff_CountsUnderItsEnd_AndUnderNoOther(string result)
    {
        await using var world = MakeWorld();
        world.Destination.OnStart = _ => result == "rolled_back" ? new StartOutcome.Refused(new Refusal(RefusalReason.NotSeeding)) : null;
        world.Destination.OnProve = _ => result == "refused" ? new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete)) : null;
        var torrent = world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => Read(world, "qbsync_handoff_total") > 0);

        Assert.That(Read(world, "qbsync_handoff_total", ("result", result)), Is.EqualTo(1));
        Assert.That(Read(world, "qbsync_handoff_total"), Is.EqualTo(1));
        Assert.That(world.Client.Has(torrent), Is.EqualTo(result != "success"));
        Assert.That(torrent.IsStopped, Is.EqualTo(result == "success"));
    }

    [TestCase(HandoffCause.Seeded)]
    [TestCase(HandoffCause.Pressure)]
    [MetricCase("A10"), MetricCase("C29"), MetricCase("C28")]
    public async Task ProcessEndsRightAfterTheDelete_TheNextOneCountsItsSuccess(HandoffCause cause)
    {
        await using var rig = new CleanupWorld(options => options.Handoff.Mode = cause == HandoffCause.Seeded ? HandoffMode.Seeded : HandoffMode.Pressure);
        var film = rig.Add("film", 2048 * CleanupWorld.MiB);
        var (deleted, ends) = (new TaskCompletionSource(), new TaskCompletionSource());
        var after = rig.Client.After;
        rig.Client.After = async call =>
        {
            await after(call);
            if (call == "here.delete" && deleted.TrySetResult())
            {
                await ends.Task;
                throw new OperationCanceledException(); // the answer is nobody's any more
            }
        };
        rig.World.Start();
        await rig.World.PassUntilAsync(() => deleted.Task.IsCompleted);
        await rig.World.SignalAsync();
        await rig.World.SignalAgainAsync();
        await rig.World.PassAsync(TimeSpan.FromMinutes(1));
        ends.SetResult();
        await rig.World.PassUntilAsync(() => rig.World.HasEnded);
        Assert.That(rig.World.Records.All.Keys, Has.Some.StartsWith("handoff/"));
        Assert.That(Read(rig.World, "qbsync_handoff_total", ("result", "failure")), Is.EqualTo(1), "left to the next process");
        Assert.That(Read(rig.World, "qbsync_handoff_total"), Is.EqualTo(1));
        Assert.That(Read(rig.World, "qbsync_cleanup_torrents_handed_off_total"), Is.Zero, "nobody has read it back");

        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.StateOf(film.Torrent.Id) == "HandedOff" && Read(rig.World, "qbsync_handoff_total") == 1);
        Assert.That(Read(rig.World, "qbsync_handoff_total", ("result", "success")), Is.EqualTo(1));
        var cleaned = cause == HandoffCause.Pressure ? 1 : 0;
        Assert.That(Read(rig.World, "qbsync_cleanup_torrents_handed_off_total"), Is.EqualTo(cleaned));
        Assert.That(Read(rig.World, "qbsync_cleanup_groups_total", ("result", "success")), Is.EqualTo(cleaned));
        Assert.That(Read(rig.World, "qbsync_cleanup_groups_total", ("result", "failure")), Is.Zero);
    }

    [TestCase(HandoffCause.Seeded)]
    [TestCase(HandoffCause.Pressure)]
    [MetricCase("A10"), MetricCase("C29"), MetricCase("C28")]
    public async Task ProcessIsKilledRightAfterTheDelete_TheNextOneCountsItsSuccessOnce(HandoffCause cause)
    {
        await using var rig = new CleanupWorld(options => options.Handoff.Mode = cause == HandoffCause.Seeded ? HandoffMode.Seeded : HandoffMode.Pressure);
        var film = rig.Add("film", 2048 * CleanupWorld.MiB);
        var killed = rig.World.StartUntilDone("here.delete");
        await rig.World.PassUntilAsync(() => killed.IsCompleted);
        await rig.World.BuryAsync();
        Assert.That(rig.Client.Has(film), Is.False);
        Assert.That(rig.World.Records.All.Keys, Has.Some.StartsWith("handoff/"), "the last that it wrote");

        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.StateOf(film.Torrent.Id) == "HandedOff" && Read(rig.World, "qbsync_handoff_total") > 0);
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(Read(rig.World, "qbsync_handoff_total", ("result", "success")), Is.EqualTo(1));
        Assert.That(Read(rig.World, "qbsync_handoff_total"), Is.EqualTo(1));
        var cleaned = cause == HandoffCause.Pressure ? 1 : 0;
        Assert.That(Read(rig.World, "qbsync_cleanup_torrents_handed_off_total"), Is.EqualTo(cleaned));
        Assert.That(Read(rig.World, "qbsync_cleanup_groups_total", ("result", "success")), Is.EqualTo(cleaned));
        Assert.That(Read(rig.World, "qbsync_cleanup_groups_total", ("result", "failure")), Is.Zero);
        Assert.That(rig.World.Destination.Find(film.Torrent.Id), Has.Property("IsActive").True);
    }

    [Test]
    [MetricCase("C29")]
    public async Task Delete_WhoseAnswerAndReadBackAreLost_CountsWhenItIsSeen()
    {
        await using var rig = new CleanupWorld();
        var film = rig.Add("film", 2048 * CleanupWorld.MiB);
        var fails = false;
        var after = rig.Client.After;
        rig.Client.Before = call => call == "here.get" && Volatile.Read(ref fails)
            ? throw new TorrentClientException(ClientFault.ServerError, call, "The client is busy with itself.") : default;
        rig.Client.After = async call =>
        {
            await after(call);
            if (call == "here.delete")
            {
                Volatile.Write(ref fails, true);
                throw new TorrentClientException(ClientFault.Unreachable, call, "The answer is lost.");
            }
        };
        rig.World.Start();
        await rig.World.PassUntilAsync(() => Volatile.Read(ref fails));
        await rig.World.PassAsync(TimeSpan.FromMinutes(20)); // by then the proofs are too old to delete by
        Assert.That(Read(rig.World, "qbsync_cleanup_torrents_handed_off_total"), Is.Zero, "nobody has read it back");

        Volatile.Write(ref fails, false);
        await rig.World.PassUntilAsync(() => rig.World.StateOf(film.Torrent.Id) == "HandedOff");
        await rig.World.PassUntilAsync(() => Read(rig.World, "qbsync_handoff_total", ("result", "success")) == 1);
        Assert.That(Read(rig.World, "qbsync_cleanup_torrents_handed_off_total"), Is.EqualTo(1));
    }

    [Test]
    [MetricCase("A11")]
    public async Task Gap_IsFromStoppedHereToActiveThere_AndOfNoHandoffThatTurnedBack()
    {
        await using var world = MakeWorld();
        var torrent = world.Client.Add(Film);
        DateTimeOffset? asked = null;
        world.Destination.OnStart = _ =>
        {
            asked ??= world.Time.GetUtcNow();
            return world.Time.GetUtcNow() - asked < TimeSpan.FromSeconds(12) ? new StartOutcome.Running(new OperationProgress(FinalizeStage.Unknown, 0, 0)) : null;
        };
        world.Start();
        await world.PassUntilAsync(() => Read(world, "qbsync_handoff_total", ("result", "success")) == 1, TimeSpan.FromMilliseconds(200));

        Assert.That(world.Client.Has(torrent), Is.False);
        Assert.That(Read(world, "qbsync_handoff_seeding_gap_seconds_count"), Is.EqualTo(1));
        Assert.That(Read(world, "qbsync_handoff_seeding_gap_seconds_bucket", ("le", "10")), Is.Zero);
        Assert.That(Read(world, "qbsync_handoff_seeding_gap_seconds_bucket", ("le", "60")), Is.EqualTo(1));

        await using var back = MakeWorld();
        back.Destination.OnStart = static _ => new StartOutcome.Refused(new Refusal(RefusalReason.NotSeeding));
        back.Client.Add(Film);
        back.Start();
        await back.PassUntilAsync(() => Read(back, "qbsync_handoff_total", ("result", "rolled_back")) == 1);
        Assert.That(Read(back, "qbsync_handoff_seeding_gap_seconds_count"), Is.Zero);
    }

    [Test]
    [MetricCase("A12")]
    public async Task Overdue_IsTheTimeBeyondTheBoundOfTheStep_AndNoneAfterIt()
    {
        await using var world = MakeWorld();
        world.Client.Add(Film);
        var isAway = true;
        world.Destination.Before = call => call == "there.confirm" && Volatile.Read(ref isAway) ? throw new PeerException(PeerFault.Timeout, "no answer") : default;
        world.Start();
        await world.PassUntilAsync(() => Step() == HandoffStep.Confirming);
        Assert.That(Read(world, "qbsync_handoff_overdue_seconds"), Is.Zero);

        await world.PassAsync(TimeSpan.FromMinutes(5));
        var since = Entry()!.StepAt;
        Assert.That(Read(world, "qbsync_handoff_overdue_seconds"), Is.EqualTo((world.Time.GetUtcNow() - since).TotalSeconds - 60).Within(0.001));
        Assert.That(Read(world, "qbsync_handoff_overdue_seconds"), Is.GreaterThan(200));

        Volatile.Write(ref isAway, false);
        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "HandedOff");
        Assert.That(Read(world, "qbsync_handoff_overdue_seconds"), Is.Zero);

        HandoffEntry? Entry() => new HandoffJournal(world.Records, NullLogger<HandoffJournal>.Instance).LoadAsync(default).AsTask().GetAwaiter().GetResult().SingleOrDefault();

        HandoffStep? Step() => Entry()?.Step;
    }

    [Test]
    [MetricCase("A13")]
    public async Task ActiveOnBothSides_IsShownWithinACycle_AndNoLongerWhenItIsStoppedThere()
    {
        const string Doubles = "qbsync_double_seeding_torrents";
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        var held = world.Destination.Find(Film.Id)!;
        Assert.That(Read(world, Doubles), Is.Zero);

        (held.IsUsers, held.IsActive) = (true, true);
        world.Destination.TellOf(Film.Id);
        await world.PassUntilAsync(() => Read(world, Doubles) == 1);
        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(Read(world, Doubles), Is.EqualTo(1), "it is looked at, not added up");

        held.IsActive = false;
        world.Destination.TellOf(Film.Id);
        await world.PassUntilAsync(() => Read(world, Doubles) == 0);
    }

    private static SourceWorld MakeWorld()
    {
        var world = new SourceWorld();
        world.Options.Handoff.Mode = HandoffMode.Seeded;
        world.Options.Handoff.MinSeedingTime = TimeSpan.Zero;
        world.Options.Handoff.DeleteGrace = TimeSpan.FromSeconds(10);
        world.Disk.Put("/data/film", 1, Film.Manifest.ContentLength);
        return world;
    }

    private static double Read(SourceWorld world, string family, params (string Label, string Value)[] labels) =>
        world.ReadMetricsAsync().GetAwaiter().GetResult().Sum(family, labels);
}
