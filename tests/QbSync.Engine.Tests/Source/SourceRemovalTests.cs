using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Source;

/// <summary>What is removed at the source: what the destination is owed then, and when a removal is believed.</summary>
[TestFixture]
internal sealed class SourceRemovalTests
{
    [Test]
    [SourceCase(112)]
    [MetricCase("A02")]
    public async Task Incomplete_Removed_IsGivenUpThereAtOnceWhileOthersGoOn()
    {
        await using var world = new SourceWorld();
        var torrent = await StreamPartAsync(world, "film");
        var other = world.Client.Add(SourceWorld.Torrent("series", pieces: 6, seed: 2), complete: false);
        await world.PassUntilAsync(() => world.StateOf(other.Torrent.Id).Length > 0);

        world.Client.Remove(torrent);
        await NoticeAsync(world);
        await Eventually.BecomesTrueAsync(() => world.Destination.Count("AbortRemovedAtSource") == 1, expression: "the destination hears of it, though no further time passes");
        await Eventually.BecomesTrueAsync(() => world.Destination.Find(torrent.Torrent.Id) is null);

        world.Client.Change(() => other.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(other));
        Assert.That(world.Progress(torrent.Torrent.Id), Is.Null);
        Assert.That(world.Records.All, Does.Not.ContainKey(RecordOf(torrent)));
        Assert.That(world.Destination.Calls, Has.None.StartsWith("Start").And.None.EqualTo("Confirm"));
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_sync_outcomes_total{mode=\"source\",result=\"aborted\"} 1"));
    }

    [Test]
    [SourceCase(113)]
    public async Task Finalizing_Removed_IsFinalizedAndActiveThere()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnFinalize = static _ => new FinalizeOutcome.Refused(new Refusal(RefusalReason.ClientUnreachable));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Finalizing" && world.Destination.Count("Finalize") > 0);

        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Removing");
        world.Destination.OnFinalize = static _ => null;
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is null);

        AssertSeedsThere(world, torrent);
    }

    [Test]
    [SourceCase(113)]
    public async Task AllAcknowledged_RemovedBeforeTheClientSaysComplete_IsFinalizedAndActiveThere()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        world.Client.Change(() =>
        {
            torrent.Has.SetAll();
            torrent.ForcedState = ClientTorrentState.Downloading;
        });
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is { State: "Streaming", PiecesDone: 8 });

        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is null);

        AssertSeedsThere(world, torrent);
    }

    [Test]
    [SourceCase(113)]
    public async Task Streaming_RemovedWhenAllHadArrivedUnseen_FollowsTheDestination()
    {
        await using var world = new SourceWorld();
        var torrent = await StreamPartAsync(world, "film");
        world.Destination.Find(torrent.Torrent.Id)!.Have.SetAll();
        world.Destination.OnAbort = static _ => new AbortOutcome.FinalizingInstead();

        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is null);

        AssertSeedsThere(world, torrent);
        Assert.That(world.Destination.Count("Finalize"), Is.EqualTo(1));
    }

    [Test]
    [SourceCase(114)]
    public async Task Synced_Removed_IsActiveAndTaggedThereAtOnce()
    {
        await using var world = new SourceWorld();
        var torrent = await SyncAsync(world, "film");
        world.Client.Change(() => torrent.Category = "kept");
        await NoticeAsync(world);

        world.Client.Remove(torrent);
        await NoticeAsync(world);
        await Eventually.BecomesTrueAsync(() => world.Destination.Count("Confirm") == 1, expression: "the destination hears of it, though no further time passes");

        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is null);
        AssertSeedsThere(world, torrent);
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.Parameters!.Category, Is.EqualTo("kept"), "what the client said last");
        await world.PassUntilAsync(() => !world.Records.All.ContainsKey(RecordOf(torrent)));
    }

    [Test]
    [SourceCase(114)]
    public async Task Synced_RemovedWhileTheDestinationIsDown_IsOwedOverOurRestart()
    {
        await using var world = new SourceWorld();
        var torrent = await SyncAsync(world, "film");
        world.Destination.SetDown(true);
        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Removing");
        await world.StopAsync();

        world.Start();
        await world.PassAsync(TimeSpan.FromSeconds(30));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Removing"));
        world.Destination.SetDown(false);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is null);

        AssertSeedsThere(world, torrent);
        await world.PassUntilAsync(() => !world.Records.All.ContainsKey(RecordOf(torrent)));
    }

    [Test]
    [SourceCase(114)]
    public async Task Synced_RemovedWhereTheDestinationStartsNothing_IsTaggedAndClosed()
    {
        await using var world = new SourceWorld();
        var torrent = await SyncAsync(world, "film");
        world.Destination.OnStart = static _ => new StartOutcome.Refused(new Refusal(RefusalReason.StartOff));

        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is null);

        var held = world.Destination.Find(torrent.Torrent.Id)!;
        Assert.That(held.IsActive, Is.False);
        Assert.That(held.IsClosed, Is.True);
        Assert.That(held.Tags, Is.EqualTo(["source-removed"]));
    }

    [Test]
    public async Task Synced_RemovedAndRefusedThereForGood_StaysOwedWithoutAStrike()
    {
        await using var world = new SourceWorld();
        var torrent = await SyncAsync(world, "film");
        world.Destination.OnStart = static _ => new StartOutcome.Refused(new Refusal(RefusalReason.ClientMissingFiles));
        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Removing");
        await world.PassAsync(TimeSpan.FromMinutes(25));
        Assert.That(world.Destination.Count("StartRemovedAtSource"), Is.InRange(4, 6), "every five minutes");
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Removing"));

        world.Destination.OnStart = static _ => null;
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is null);

        AssertSeedsThere(world, torrent);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_sync_failed_total 0"));
    }

    [Test]
    public async Task Synced_RemovedAndUnknownThere_IsForgotten()
    {
        await using var world = new SourceWorld();
        var torrent = await SyncAsync(world, "film");
        world.Destination.OnStart = static _ => new StartOutcome.Unknown();

        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is null);

        Assert.That(world.Destination.Count("Confirm"), Is.Zero);
        Assert.That(world.Destination.Calls, Has.None.StartsWith("Abort"));
    }

    [Test]
    public async Task Enlarged_RemovedWhileTheRestIsSent_LosesNothingThatWasFinalThere()
    {
        await using var world = new SourceWorld();
        var built = new TorrentBuilder("set") { PieceLength = 16384 }.AddFile("a", 16384 * 3).AddFile("b", 16384 * 4).Build();
        var torrent = world.Client.Add(built);
        torrent.Unselected.Add(1);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        world.Destination.Link!.HoldsAcks = true;
        world.Client.Change(() => torrent.Unselected.Clear());
        await world.PassUntilAsync(() => world.StateOf(built.Id) == "Streaming");
        AbortRequest? abort = null;
        world.Destination.OnAbort = request =>
        {
            abort = request;
            return null;
        };

        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.Progress(built.Id) is null);

        Assert.That(abort?.Mode, Is.EqualTo(AbortMode.Keep));
        Assert.That(world.Destination.Find(built.Id), Is.Not.Null);
    }

    [Test]
    [SourceCase(18)]
    public async Task Synced_Excluded_KeepsItsRecordAndIsStartedThereWhenRemoved()
    {
        await using var world = new SourceWorld();
        var torrent = await SyncAsync(world, "film");
        world.Client.Change(() => torrent.Tags.Add("no-sync"));
        await world.PassAsync(TimeSpan.FromMinutes(2));
        Assert.That(world.IsSynced(torrent), Is.True);
        Assert.That(world.Records.All, Does.ContainKey(RecordOf(torrent)));
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.State, Is.EqualTo(DestinationTorrentState.Complete));

        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is null);

        AssertSeedsThere(world, torrent);
    }

    [TestCase(3)]
    [TestCase(300, Category = "Long")]
    [SourceCase(115)]
    public async Task EmptyClient_FullAgainAfterThreeMinutes_LeadsToNothing(int count)
    {
        await using var world = new SourceWorld();
        var torrents = await SyncAllAsync(world, count - 1);
        var partial = world.Client.Add(SourceWorld.Torrent("partial", pieces: 10, seed: 999), complete: false);
        world.Client.Change(() => partial.Has.Set(0));
        await world.PassUntilAsync(() => world.Progress(partial.Torrent.Id)?.PiecesDone == 1);

        world.Client.RestartWithout([.. torrents, partial]);
        await NoticeAsync(world);
        await world.PassAsync(TimeSpan.FromMinutes(3));
        world.Client.RestartWithout();
        await NoticeAsync(world);
        world.Client.Change(() => partial.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(partial));

        Assert.That(world.Destination.Calls, Has.None.StartsWith("Abort").And.None.StartsWith("Start").And.None.EqualTo("Confirm"));
        Assert.That(world.Engine.Status.Torrents, Has.Count.EqualTo(count));
        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Id == 4061), Is.EqualTo(1), "one warning");
    }

    [Test]
    [SourceCase(115)]
    public async Task ThirtyOfForty_Removed_AreBelievedAfterHalfAnHour()
    {
        await using var world = new SourceWorld();
        var torrents = await SyncAllAsync(world, 40);

        world.Client.Remove(torrents.Take(30));
        await NoticeAsync(world);
        await world.PassAsync(TimeSpan.FromMinutes(29));
        Assert.That(world.Destination.Calls, Has.None.StartsWith("Start"));

        await world.PassUntilAsync(() => world.Engine.Status.Torrents.Count == 10);
        Assert.That(world.Destination.Count("StartRemovedAtSource"), Is.EqualTo(30));
    }

    [Test]
    [SourceCase(115)]
    public async Task FiveOfForty_Removed_AreBelievedAtOnce()
    {
        await using var world = new SourceWorld();
        var torrents = await SyncAllAsync(world, 40);

        world.Client.Remove(torrents.Take(5));
        await NoticeAsync(world);
        await Eventually.BecomesTrueAsync(() => world.Destination.Count("Confirm") == 5, expression: "the destination hears of them, though no further time passes");
    }

    [Test]
    [SourceCase(116)]
    public async Task Absent_AndBackBeforeThatIsBelieved_SendsNoOutcome()
    {
        await using var world = new SourceWorld();
        var torrents = await SyncAllAsync(world, 5);
        world.Client.RestartWithout(torrents[0]);
        await NoticeAsync(world);
        await world.PassAsync(TimeSpan.FromSeconds(4));
        world.Client.RestartWithout();
        await NoticeAsync(world);
        await world.PassAsync(TimeSpan.FromMinutes(2));

        Assert.That(world.Destination.Calls, Has.None.StartsWith("Abort").And.None.StartsWith("Start"));
        Assert.That(torrents.All(world.IsSynced), Is.True);
    }

    [Test]
    [SourceCase(116)]
    public async Task Removed_AndAddedAgainBeforeTheOutcomeBegan_IsAsBefore()
    {
        await using var world = new SourceWorld();
        var torrent = await SyncAsync(world, "film");
        world.Destination.SetDown(true);
        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Removing");
        await world.StopAsync();
        var again = world.Client.Add(torrent.Torrent);
        again.Tags.Add("synced");
        world.Destination.SetDown(false);

        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(again));
        await world.PassAsync(TimeSpan.FromMinutes(1));

        var held = world.Destination.Find(torrent.Torrent.Id)!;
        Assert.That(held.State, Is.EqualTo(DestinationTorrentState.Complete));
        Assert.That(held.IsActive, Is.False);
        Assert.That(world.Destination.Calls, Has.None.StartsWith("Abort").And.None.EqualTo("Confirm"));
    }

    /// <summary>Lets the engine see what the client is now; nothing that waits for time goes on after that.</summary>
    private static async Task NoticeAsync(SourceWorld world)
    {
        var polls = world.Client.Polls;
        await world.PassUntilAsync(() => world.Client.Polls > polls);
    }

    private static async Task<ScriptedTorrent> StreamPartAsync(SourceWorld world, string name)
    {
        var torrent = world.Client.Add(SourceWorld.Torrent(name, pieces: 10), complete: false);
        world.Client.Change(() =>
        {
            for (var piece = 0; piece < 3; piece++)
            {
                torrent.Has.Set(piece);
            }
        });
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 3);
        return torrent;
    }

    private static async Task<ScriptedTorrent> SyncAsync(SourceWorld world, string name)
    {
        var torrent = world.Client.Add(SourceWorld.Torrent(name));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent) && torrent.Tags.Contains("synced"));
        return torrent;
    }

    private static async Task<ScriptedTorrent[]> SyncAllAsync(SourceWorld world, int count)
    {
        var torrents = Enumerable.Range(0, count)
            .Select(number => world.Client.Add(SourceWorld.Torrent($"torrent {number}", pieces: 1, seed: number + 1))).ToArray();
        world.Start();
        await world.PassUntilAsync(() => torrents.All(world.IsSynced));
        return torrents;
    }

    private static void AssertSeedsThere(SourceWorld world, ScriptedTorrent torrent)
    {
        var held = world.Destination.Find(torrent.Torrent.Id)!;
        Assert.That(held.Have.IsFull, Is.True, "nothing was discarded");
        Assert.That(held.IsActive, Is.True);
        Assert.That(held.IsClosed, Is.True);
        Assert.That(held.Tags, Is.EqualTo(["source-removed"]));
        Assert.That(world.Destination.Count("Confirm"), Is.EqualTo(1));
    }

    private static string RecordOf(ScriptedTorrent torrent) => $"torrents/{torrent.Torrent.Id}.json";
}
