using QbSync.Engine.Status;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

[TestFixture]
internal sealed class SourceOutageTests
{
    [Test]
    [MetricCase("G06")]
    public async Task PeerDown_AtStart_KeepsRunningSaysSoAndSyncsWhenItIsBack()
    {
        await using var world = new SourceWorld();
        world.Destination.SetDown(true);
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(world.Engine.Status.PeerOk, Is.False);
        Assert.That(world.Engine.Status.Problem, Is.Not.Empty);
        Assert.That(world.Progress(torrent.Torrent.Id)!.WaitingFor, Is.EqualTo(WaitingReason.Peer));
        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "PeerDown"), Is.EqualTo(1));
        Assert.That(await world.ScrapeAsync(), Does.Match("qbsync_circuit_breaker_trips_total\\{mode=\"source\",component=\"stream_queue\"\\} [1-9]"));
        Assert.That(world.Destination.Count("Hello"), Is.LessThan(80), "it backs off");

        world.Destination.SetDown(false);
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Engine.Status.PeerOk, Is.True);
        Assert.That(world.Engine.Status.Problem, Is.Empty);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_circuit_breaker_state{mode=\"source\",component=\"stream_queue\"} 0"));
    }

    [Test, ClientCase(50)]
    [SourceCase(31)]
    public async Task ClientDown_AtStartAndLater_KeepsRunningAndRecovers()
    {
        await using var world = new SourceWorld();
        world.Client.IsDown = true;
        var first = world.Client.Add(SourceWorld.Torrent("first", seed: 1));
        world.Start();
        await world.PassAsync(TimeSpan.FromMinutes(2));
        Assert.That(world.Engine.Status.ClientOk, Is.False);
        world.Client.IsDown = false;
        await world.PassUntilAsync(() => world.IsSynced(first));

        world.Client.IsDown = true;
        await world.PassUntilAsync(() => world.Engine.Status.ClientOk == false);
        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(world.IsSynced(first), Is.True, "an outage removes nothing");
        world.Client.IsDown = false;
        var second = world.Client.Add(SourceWorld.Torrent("second", seed: 2));
        await world.PassUntilAsync(() => world.IsSynced(second));

        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "ClientLost"), Is.EqualTo(2));
        Assert.That(first.Tags.Concat(second.Tags), Has.None.EqualTo("sync-failed"));
        Assert.That(world.Destination.Calls, Has.None.StartsWith("Abort"));
    }

    [Test]
    public async Task DestinationGone_InMidStream_ResendsNothingThatItHolds()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 10), complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);

        world.Destination.SetDown(true);
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassAsync(TimeSpan.FromMinutes(3));
        Assert.That(world.Progress(torrent.Torrent.Id)!.WaitingFor, Is.EqualTo(WaitingReason.Peer));
        world.Destination.SetDown(false);
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(10));
        Assert.That(world.Log.Entries, Has.None.Property("Message").Contains("strike"));
    }

    [Test]
    [SourceCase(34)]
    public async Task MalformedTorrentFile_OfOne_HoldsItAndLetsOthersGoOn()
    {
        await using var world = new SourceWorld();
        var broken = world.Client.Add(SourceWorld.Torrent("broken", seed: 1));
        var good = world.Client.Add(SourceWorld.Torrent("good", seed: 2));
        world.Client.Change(() => broken.Exported = "<html>busy</html>"u8.ToArray());
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(good));
        await world.PassUntilAsync(() => world.Progress(broken.Torrent.Id)?.WaitingFor == WaitingReason.Metadata);
        Assert.That(world.Destination.Find(broken.Torrent.Id), Is.Null);
        var exports = broken.ExportCalls;
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(broken.ExportCalls - exports, Is.LessThan(40), "it backs off");

        world.Client.Change(() => broken.Exported = broken.Torrent.Bytes);
        await world.PassUntilAsync(() => world.IsSynced(broken));
    }

    [Test]
    [SourceCase(37)]
    public async Task PathOutsideEveryMapping_IsHeldWithPathAndOption()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Client.Change(() => torrent.SavePath = "/elsewhere");
        world.Start();

        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.Route);

        Assert.That(world.Progress(torrent.Torrent.Id)!.Reason, Does.Contain("/elsewhere").And.Contain("path-map"));
        Assert.That(world.Destination.Count("Init"), Is.Zero);
    }

    [Test]
    [SourceCase(59)]
    public async Task Conflict_AtInit_IsAskedEveryFiveMinutesAndReadsNothing()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.PathConflict, "film is in the way"));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.Conflict);
        await world.PassAsync(TimeSpan.FromMinutes(11));

        Assert.That(world.Destination.Count("Init"), Is.EqualTo(3));
        Assert.That(torrent.ExportCalls, Is.EqualTo(1));
        Assert.That(world.Client.Reads, Is.Empty);
        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "Held"), Is.EqualTo(1));
        world.Destination.OnInit = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    public async Task NoSpace_AtInit_WaitsForSpaceWithoutAStrike()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.NoSpace, "10 GiB are short"));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.DestinationSpace);
        await world.PassAsync(TimeSpan.FromMinutes(20));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Initializing"));

        world.Destination.OnInit = static _ => null;
        world.Destination.Tell(new DestinationUpdate.Room());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    public async Task PermanentRefusal_ThreeTimes_FailsTheTorrent()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.Unsupported, "no v2 here"));
        world.Start();

        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed" && torrent.Tags.Contains("sync-failed"));

        Assert.That(world.Log.Entries.Count(entry => entry.Id.Name == "Strike"), Is.EqualTo(3));
        Assert.That(world.Destination.Count("Init"), Is.InRange(3, 5), "a fault that comes too soon after a strike is none");
    }

    [Test, SourceCase(79)]
    public async Task FinalizeIncomplete_GoesBackToStreamingAndEndsSynced()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film", pieces: 6));
        var incompletes = 1;
        world.Destination.OnFinalize = request =>
        {
            if (Interlocked.Decrement(ref incompletes) < 0)
            {
                return null;
            }

            var held = world.Destination.Find(request.Id)!;
            held.Have.Clear(2);
            return new FinalizeOutcome.Incomplete(held.Epoch, held.Have.Clone(), new PieceBitmap(6));
        };
        world.Start();

        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(7));
        Assert.That(world.Destination.Count("Finalize"), Is.EqualTo(2));
    }

    [Test]
    public async Task FinalizeRunning_IsRepeatedAndShown()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        var runs = 30;
        world.Destination.OnFinalize = _ => Interlocked.Decrement(ref runs) >= 0
            ? new FinalizeOutcome.Running(new OperationProgress(FinalizeStage.Verifying, 1, 2)) : null;
        world.Start();

        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.Verification);
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Count("Finalize"), Is.EqualTo(31));
    }

    [Test, SourceCase(74)]
    [MetricCase("G10")]
    public async Task ClientThereUnreachable_AtFinalize_IsNoStrike()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Destination.OnFinalize = static _ => new FinalizeOutcome.Refused(new Refusal(RefusalReason.ClientUnreachable));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.WaitingFor == WaitingReason.Client);
        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Finalizing"));
        Assert.That(torrent.Tags, Is.Empty);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_active_finalization_backoffs 1").And.Contain("qbsync_finalization_errors_total{mode=\"source\"} 0"));

        world.Destination.OnFinalize = static _ => null;
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }
}
