using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

[TestFixture]
internal sealed class SourceLifeTests
{
    [Test]
    public async Task Restart_WithRecords_SendsNothingAndKeepsTheSourceId()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        var source = world.Destination.Source;
        await world.StopAsync();
        var link = world.Destination.Link;

        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link != link && world.IsSynced(torrent));
        await world.PassAsync(TimeSpan.FromSeconds(30));

        Assert.That(world.Destination.Link!.Sends, Is.Zero);
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(2));
        Assert.That(world.Destination.Source, Is.EqualTo(source));
        Assert.That(world.IsSynced(torrent), Is.True);
    }

    [Test]
    public async Task Restart_AfterTheDestinationLostIt_SyncsAgain()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await world.StopAsync();
        world.Destination.Forget(torrent.Torrent.Id);

        world.Start();
        await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id)?.State == DestinationTorrentState.Complete);

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(8));
    }

    [Test, SourceCase(83)]
    public async Task DestinationLosesACopy_WhileBothRun_IsNoticedAndSyncedAgain()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        world.Destination.Forget(torrent.Torrent.Id);

        await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id)?.State == DestinationTorrentState.Complete);

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(16));
    }

    [Test]
    public async Task StateLost_WhatIsCompleteThere_IsAdoptedWithZeroBytes()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await world.StopAsync();
        foreach (var name in world.Records.All.Keys)
        {
            await world.Records.RemoveAsync(name, default);
        }

        var before = world.Destination.Count("Init");
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.Zero);
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(before));
        Assert.That(await world.ScrapeAsync(), Does.Not.Contain("qbsync_torrents_synced_total{"), "adopted is not synced by us");
    }

    [Test]
    public async Task Restart_InMidStream_SendsOnlyTheRest()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => SetFirst(torrent, 6));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 6);
        await world.StopAsync();
        var link = world.Destination.Link;
        world.Client.Change(() => torrent.Has.SetAll());

        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link != link && world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(4));
    }

    [Test]
    public async Task Stop_WithAcksAway_CountsThem()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        link.HoldsAcks = true;
        world.Client.Change(() => SetFirst(torrent, 5));
        await world.PassUntilAsync(() => link.Held == 4);

        await world.StopAsync();

        Assert.That(world.Progress(torrent.Torrent.Id)!.PiecesDone, Is.EqualTo(5));
    }

    [Test]
    [SourceCase(16)]
    public async Task ExcludeTag_FromTheStart_SendsNothingUntilItIsGone()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        torrent.Tags.Add("no-sync");
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Excluded");
        await world.PassAsync(TimeSpan.FromSeconds(30));
        Assert.That(world.Destination.Calls, Has.None.EqualTo("Init").And.None.StartsWith("Abort"));

        world.Client.Change(() => torrent.Tags.Clear());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    [SourceCase(17)]
    public async Task ExcludeTag_InMidSync_AbortsOnceAndFallsSilent()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => SetFirst(torrent, 3));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 3);

        // The rest comes after the tag was seen: a look at the pieces that follows an older list would rightly send them.
        world.Client.Change(() => torrent.Tags.Add("no-sync"));
        await world.PassUntilAsync(() => world.Destination.Count("AbortExcluded") == 1);
        world.Client.Change(torrent.Has.SetAll);
        await world.PassAsync(TimeSpan.FromMinutes(2));

        Assert.That(world.Destination.Count("AbortExcluded"), Is.EqualTo(1));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(3));
        Assert.That(world.Destination.Find(torrent.Torrent.Id), Is.Null);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_exclude_sync_abort_total 1"));
    }

    [Test]
    public async Task Removal_InMidSync_AbortsThereAndForgetsHere()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => SetFirst(torrent, 3));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 3);

        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.Destination.Count("AbortRemovedAtSource") == 1 && world.Engine.Status.Torrents.Count == 0);

        await world.PassUntilAsync(() => !world.Records.All.ContainsKey($"torrents/{torrent.Torrent.Id}.json"));
    }

    [Test]
    public async Task Removal_AfterEverythingArrived_IsFinalizedThere()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10));
        torrent.Limits = ShareLimits.FromNumbers(2, 90, -1);
        world.Destination.OnFinalize = static _ => new Outcomes.FinalizeOutcome.Refused(new Outcomes.Refusal(Outcomes.RefusalReason.ClientUnreachable));
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Finalizing" && world.Destination.Count("Finalize") > 0);

        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Removing");
        world.Destination.OnFinalize = static _ => null;
        await world.PassUntilAsync(() => world.Engine.Status.Torrents.Count == 0);

        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.State, Is.EqualTo(DestinationTorrentState.HandedOff));
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.Parameters!.Category, Is.EqualTo("films"));
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.Parameters!.Limits, Is.EqualTo(ShareLimits.FromNumbers(1.5, 60, -1)));
        Assert.That(world.Destination.Count("AbortRemovedAtSource"), Is.Zero);
    }

    [Test]
    public async Task Removal_WhileTheDestinationIsDown_IsOwedOverARestart()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => SetFirst(torrent, 3));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 3);
        world.Destination.SetDown(true);
        world.Client.Remove(torrent);
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Removing");
        await world.StopAsync();

        world.Start();
        world.Destination.SetDown(false);
        await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id) is null);

        Assert.That(world.Destination.Calls, Has.Some.EqualTo("AbortRemovedAtSource"));
    }

    [Test]
    public async Task SelectionEnlarged_AfterSynced_SendsOnlyWhatLacks()
    {
        await using var world = new SourceWorld();
        var built = new Testing.Torrents.TorrentBuilder("set") { PieceLength = 16384 }
            .AddFile("a", 16384 * 3).AddFile("b", 16384 * 4).Build();
        var torrent = world.Client.Add(built);
        torrent.Unselected.Add(1);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(3));

        world.Client.Change(() => torrent.Unselected.Clear());
        await world.PassUntilAsync(() => world.IsSynced(torrent) && world.Destination.Find(built.Id)!.Have.IsFull);

        Assert.That(world.Destination.Link.Sends, Is.EqualTo(7));
    }

    [Test]
    [SourceCase(14)]
    public async Task NothingSelected_OpensNothing()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        torrent.Unselected.Add(0);
        world.Start();
        await world.PassAsync(TimeSpan.FromSeconds(30));

        Assert.That(world.Destination.Count("Init"), Is.Zero);
        Assert.That(world.Progress(torrent.Torrent.Id)!.WaitingFor, Is.EqualTo(Status.WaitingReason.Download));
    }

    [Test]
    [SourceCase(30)]
    public async Task Checking_InMidSync_ReadsNothingUntilItIsOver()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => SetFirst(torrent, 3));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 3);
        world.Client.Change(() => torrent.ForcedState = ClientTorrentState.CheckingDl);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == Status.WaitingReason.Client);
        var reads = world.Client.Reads.Count;
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassAsync(TimeSpan.FromSeconds(20));
        Assert.That(world.Client.Reads, Has.Count.EqualTo(reads));

        world.Client.Change(() => torrent.ForcedState = null);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    [MetricCase("G15"), MetricCase("A17")]
    public async Task Metrics_AfterASync_SayWhatHappened()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        var text = await world.ScrapeAsync();

        var labels = $"hash=\"{torrent.Torrent.Id}\",name=\"film\"";
        Assert.That(text, Does.Contain($"qbsync_torrents_synced_total{{mode=\"source\",{labels}}} 1"));
        Assert.That(text, Does.Contain($"qbsync_torrent_bytes_synced_total{{{labels}}} {torrent.Torrent.Manifest.ContentLength}"));
        Assert.That(text, Does.Contain("qbsync_torrent_sync_latency_seconds_count 1"));
        Assert.That(text, Does.Contain("qbsync_completed_on_dest_cache_size 1"));
        Assert.That(text, Does.Contain("qbsync_torrents{mode=\"source\",state=\"synced\"} 1"));
        Assert.That(text, Does.Contain("qbsync_sync_outcomes_total{mode=\"source\",result=\"success\"} 1"));
        Assert.That(text, Does.Contain("qbsync_sender_workers_configured 4"));
        Assert.That(text, Does.Contain("qbsync_backlog_bytes 0"));
    }

    private static void SetFirst(ScriptedTorrent torrent, int count)
    {
        for (var piece = 0; piece < count; piece++)
        {
            torrent.Has.Set(piece);
        }
    }
}
