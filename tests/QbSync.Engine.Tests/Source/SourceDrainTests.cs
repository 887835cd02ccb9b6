using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Source;

/// <summary>A source that goes away: what it hands over before, what it leaves, and in which order it ends.</summary>
[TestFixture]
internal sealed class SourceDrainTests
{
    [Test]
    public async Task Drain_HandsOverAllThatIsSynced_WhateverItsAgeAndTag()
    {
        await using var world = MakeWorld();
        world.Options.Handoff.Mode = HandoffMode.Never;
        world.Options.Handoff.MinSeedingTime = TimeSpan.FromDays(30);
        world.Options.Handoff.DeleteGrace = TimeSpan.FromDays(1);
        world.Options.Handoff.ExcludeCleanupTag = "keep";
        var torrents = await SyncAsync(world, 3);
        world.Client.Change(() => torrents[0].Tags.Add("keep"));
        world.Client.Change(() => torrents[1].Tags.Add("no-sync"));
        await world.PassAsync(TimeSpan.FromSeconds(10));

        var report = await world.PassUntilEndedAsync(world.DrainAsync());

        Assert.That(report!.HandedOff, Is.EqualTo(2));
        Assert.That(report.Left.Select(static left => left.Name), Is.EqualTo([torrents[1].Torrent.Name]), "what the user took out stays");
        Assert.That(report.Left[0].Reason, Does.Contain("no-sync"));
        AssertGone(world, torrents[0], torrents[2]);
    }

    [Test]
    [SourceCase(118)]
    public async Task Drain_RightAfterSynced_WithATagThatCannotBeSet_IncludesIt()
    {
        await using var world = MakeWorld();
        world.Client.TagFaults = int.MaxValue;
        var torrents = await SyncAsync(world, 2);

        var report = await world.PassUntilEndedAsync(world.DrainAsync());

        Assert.That(report!.HandedOff, Is.EqualTo(2));
        AssertGone(world, torrents);
    }

    [Test]
    [SourceCase(118)]
    public async Task Drain_WithOneFullyStreamed_FinalizesAndHandsItOver()
    {
        await using var world = MakeWorld();
        world.Destination.OnFinalize = static _ => new FinalizeOutcome.Refused(new Refusal(RefusalReason.ClientUnreachable));
        var torrent = Add(world, SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Finalizing" && world.Destination.Count("Finalize") > 0);

        var draining = world.DrainAsync();
        await world.PassAsync(TimeSpan.FromSeconds(3));
        Assert.That(draining.IsCompleted, Is.False, "it may still join");
        world.Destination.OnFinalize = static _ => null;
        var report = await world.PassUntilEndedAsync(draining);

        Assert.That(report!.HandedOff, Is.EqualTo(1));
        AssertGone(world, torrent);
    }

    [Test]
    public async Task Drain_SendsWhatIsCompleteHere_NotWhatStillDownloads_AndDiscoversNothing()
    {
        await using var world = MakeWorld();
        var live = Add(world, SourceWorld.Torrent("live", pieces: 10, seed: 1), complete: false);
        world.Client.Change(() => live.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(live.Torrent.Id)?.PiecesDone == 1);
        world.Destination.Link!.HoldsAcks = true;
        var backlog = Add(world, SourceWorld.Torrent("backlog", pieces: 10, seed: 2));
        await world.PassUntilAsync(() => world.StateOf(backlog.Torrent.Id) == "Streaming");
        var draining = world.DrainAsync();
        await world.PassAsync(TimeSpan.FromSeconds(1));
        var late = Add(world, SourceWorld.Torrent("late", pieces: 2, seed: 3));
        world.Client.Change(() => live.Has.Set(1));
        await world.PassAsync(TimeSpan.FromSeconds(5));
        world.Destination.Link.HoldsAcks = false;
        world.Destination.Link.Release();

        var report = await world.PassUntilEndedAsync(draining);

        Assert.That(report!.HandedOff, Is.EqualTo(1));
        AssertGone(world, backlog);
        Assert.That(report.Left.Select(static left => (left.Name, left.Reason)), Is.EqualTo([("live", "it is not complete here")]));
        Assert.That(world.Destination.Find(live.Torrent.Id)!.Have.Count, Is.EqualTo(1), "nothing of it was sent in the drain");
        Assert.That(world.Progress(late.Torrent.Id), Is.Null);
    }

    [Test]
    [SourceCase(117)]
    public async Task SecondDrain_WhileOneIsOn_IsRefused()
    {
        await using var world = MakeWorld();
        var held = await HoldOneAtStartThereAsync(world);
        var first = world.DrainAsync();
        await world.PassUntilAsync(() => world.StateOf(held.Torrent.Torrent.Id) == "HandingOff");

        Assert.That(await world.PassUntilEndedAsync(world.DrainAsync()), Is.Null);
        held.Release.SetResult();
        Assert.That((await world.PassUntilEndedAsync(first))!.HandedOff, Is.EqualTo(1));
    }

    [Test]
    [SourceCase(119)]
    [MetricCase("C29")]
    [MetricCase("G22")]
    public async Task Scrape_DuringADrainOfAMinute_ShowsItAndThenItsEnd()
    {
        await using var world = MakeWorld();
        world.Options.Handoff.DrainTimeout = TimeSpan.FromMinutes(5);
        var held = await HoldOneAtStartThereAsync(world);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_draining 0"));

        var draining = world.DrainAsync();
        await world.PassUntilAsync(() => world.StateOf(held.Torrent.Torrent.Id) == "HandingOff");
        for (var second = 0; second < 6; second++)
        {
            await world.PassAsync(TimeSpan.FromSeconds(5));
            Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_draining 1"));
        }

        held.Release.SetResult();
        await world.PassUntilEndedAsync(draining);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_draining 0").And.Contain("qbsync_cleanup_torrents_handed_off_total 1"));
    }

    [Test]
    [SourceCase(120)]
    public async Task Deadline_InTheStartThere_TurnsBackAndLeavesItActiveHere()
    {
        await using var world = MakeWorld();
        world.Options.Handoff.DrainTimeout = TimeSpan.FromSeconds(40);
        var torrent = (await SyncAsync(world, 1))[0];
        world.Destination.OnStart = static _ => new StartOutcome.Running(new OperationProgress(FinalizeStage.Unknown, 0, 0));
        var began = world.Time.GetUtcNow();

        var report = await world.PassUntilEndedAsync(world.DrainAsync());

        Assert.That(report!.HandedOff, Is.Zero);
        Assert.That(report.Left, Has.Count.EqualTo(1));
        Assert.That(world.Time.GetUtcNow() - began, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(30)));
        AssertHere(world, torrent);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_draining 0"));
    }

    [TestCase("here.stop", false)]
    [TestCase("there.start", false)]
    [TestCase("here.delete", true)]
    [SourceCase(120)]
    public async Task Signal_InAStep_EndsWithOneSideActive(string call, bool isGone)
    {
        await using var world = MakeWorld();
        var torrent = (await SyncAsync(world, 1))[0];
        var isReached = new TaskCompletionSource();
        var goesOn = new TaskCompletionSource();
        Func<string, ValueTask> pause = async name =>
        {
            if (name == call && isReached.TrySetResult())
            {
                await goesOn.Task;
            }
        };
        (world.Client.After, world.Destination.After) = (pause, pause);
        var draining = world.DrainAsync();
        await world.PassUntilAsync(() => isReached.Task.IsCompleted);

        await world.SignalAsync();
        await world.PassAsync(TimeSpan.FromMilliseconds(300));
        goesOn.SetResult();
        await world.PassUntilAsync(() => world.HasEnded);
        await draining.DefaultTimeout();

        if (isGone)
        {
            Assert.That(world.Client.Has(torrent), Is.False);
            Assert.That(world.Destination.Find(torrent.Torrent.Id)!.IsActive, Is.True);
        }
        else
        {
            AssertHere(world, torrent);
        }
    }

    [Test]
    [SourceCase(120)]
    public async Task SecondSignal_WhenNothingCanBeUndone_EndsSoonAndTheRestartRepairs()
    {
        await using var world = MakeWorld();
        var torrent = (await SyncAsync(world, 1))[0];
        var answers = new TaskCompletionSource();
        world.Destination.Before = call => call is "there.start" or "there.withdraw" or "there.status" ? new ValueTask(answers.Task) : default;
        var draining = world.DrainAsync();
        await world.PassUntilAsync(() => world.Destination.Count("StartHandoff") > 0);
        Assert.That(torrent.IsStopped, Is.True);

        await world.SignalAsync();
        await world.SignalAgainAsync();
        await world.PassUntilAsync(() => world.HasEnded);
        await draining.DefaultTimeout();
        Assert.That(world.Records.All.Keys.Any(static name => name.StartsWith("handoff/", StringComparison.Ordinal)), Is.True, "its journal is open");

        world.Destination.Before = static _ => default;
        answers.SetResult();
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) is "Synced" or "HandedOff");
        var isActiveThere = world.Destination.Find(torrent.Torrent.Id)!.IsActive;
        Assert.That(world.Client.Has(torrent) && !torrent.IsStopped, Is.Not.EqualTo(isActiveThere), "one side seeds");
    }

    [Test]
    [SourceCase(121)]
    public async Task Signal_WithAcksFiveSecondsAway_CountsThemAndResendsNothingAfterARestart()
    {
        await using var world = MakeWorld();
        var (torrent, link) = await StreamWithHeldAcksAsync(world);
        link.Answers = Task.Delay(TimeSpan.FromSeconds(5), world.Time);

        await world.StopAsync();
        Assert.That(world.Progress(torrent.Torrent.Id)!.PiecesDone, Is.EqualTo(5));
        Assert.That(world.Log.Entries.Any(static entry => entry.Id.Id == 4056), Is.False);

        world.Client.Change(() => torrent.Has.SetAll());
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link != link && world.IsSynced(torrent));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(5), "the other half");
    }

    [Test]
    [SourceCase(121)]
    public async Task Signal_WithAcksThatNeverCome_EndsAfterThirtySecondsAndTellsOfThem()
    {
        await using var world = MakeWorld();
        var (_, link) = await StreamWithHeldAcksAsync(world);
        link.Answers = new TaskCompletionSource().Task;
        var began = world.Time.GetUtcNow();

        await world.StopAsync();

        Assert.That(world.Time.GetUtcNow() - began, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(30)));
        Assert.That(world.Log.Entries.Single(static entry => entry.Id.Id == 4056).Message, Does.StartWith("4 pieces"));
    }

    [Test]
    public async Task Leave_BeginsNothingNew()
    {
        await using var world = MakeWorld();
        world.Options.Handoff.Mode = HandoffMode.Seeded;
        world.Options.Handoff.MinSeedingTime = TimeSpan.FromMinutes(31); // half an hour is over
        var torrent = (await SyncAsync(world, 1))[0];
        world.Engine.Leave();
        var late = Add(world, SourceWorld.Torrent("late", seed: 9));
        world.Client.Change(() => torrent.SeedingTime = TimeSpan.FromDays(1));
        await world.PassAsync(TimeSpan.FromMinutes(2));

        Assert.That(world.Progress(late.Torrent.Id), Is.Null);
        Assert.That(world.IsSynced(torrent), Is.True);
    }

    private static SourceWorld MakeWorld()
    {
        var world = new SourceWorld();
        world.Options.CallTimeout = TimeSpan.FromSeconds(10);
        world.Options.Handoff.DeleteGrace = TimeSpan.Zero;
        return world;
    }

    /// <summary>A torrent in the client, and its file on the disk.</summary>
    private static ScriptedTorrent Add(SourceWorld world, BuiltTorrent torrent, bool complete = true)
    {
        world.Disk.Put($"/data/{torrent.Name}", device: 1, torrent.Manifest.ContentLength);
        return world.Client.Add(torrent, complete);
    }

    private static async Task<ScriptedTorrent[]> SyncAsync(SourceWorld world, int count)
    {
        var torrents = Enumerable.Range(0, count)
            .Select(number => Add(world, SourceWorld.Torrent($"torrent {number}", pieces: 2, seed: number + 1))).ToArray();
        world.Start();
        await world.PassUntilAsync(() => torrents.All(world.IsSynced));
        return torrents;
    }

    /// <summary>A synced torrent whose handoff will stand at its start there until it is released.</summary>
    private static async Task<(ScriptedTorrent Torrent, TaskCompletionSource Release)> HoldOneAtStartThereAsync(SourceWorld world)
    {
        var torrent = (await SyncAsync(world, 1))[0];
        var release = new TaskCompletionSource();
        world.Destination.OnStart = _ => release.Task.IsCompleted ? null : new StartOutcome.Running(new OperationProgress(FinalizeStage.Unknown, 0, 0));
        return (torrent, release);
    }

    private static async Task<(ScriptedTorrent Torrent, MemoryLink Link)> StreamWithHeldAcksAsync(SourceWorld world)
    {
        var torrent = Add(world, SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        link.HoldsAcks = true;
        world.Client.Change(() =>
        {
            for (var piece = 0; piece < 5; piece++)
            {
                torrent.Has.Set(piece);
            }
        });
        await world.PassUntilAsync(() => link.Held == 4);
        return (torrent, link);
    }

    private static void AssertGone(SourceWorld world, params ScriptedTorrent[] torrents)
    {
        foreach (var torrent in torrents)
        {
            var held = world.Destination.Find(torrent.Torrent.Id)!;
            Assert.That(world.Client.Has(torrent), Is.False, torrent.Torrent.Name);
            Assert.That(held.IsActive, Is.True);
            Assert.That(held.Tags, Does.Contain("source-removed"));
        }
    }

    private static void AssertHere(SourceWorld world, ScriptedTorrent torrent)
    {
        Assert.That(world.Client.Has(torrent), Is.True);
        Assert.That(torrent.IsStopped, Is.False, "active here");
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.IsActive, Is.False, "not active there");
    }
}
