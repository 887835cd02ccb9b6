using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Metrics;

/// <summary>Gauges of a whole source, through what moves them.</summary>
[TestFixture]
internal sealed class SourceGaugesTests
{
    private const int Piece = 16384;

    [Test]
    [MetricCase("G10")]
    public async Task Backoffs_AreThoseThatWaitAfterAFailure_AndEndWithTheTorrent()
    {
        await using var world = new SourceWorld();
        var failing = world.Client.Add(SourceWorld.Torrent("failing", seed: 1));
        world.Destination.OnFinalize = request => request.Id == failing.Torrent.Id
            ? new FinalizeOutcome.Refused(new Refusal(RefusalReason.ClientUnreachable)) : null;
        var good = world.Client.Add(SourceWorld.Torrent("good", seed: 2));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(good) && Read(world, "qbsync_active_finalization_backoffs") == 1);
        Assert.That(world.StateOf(failing.Torrent.Id), Is.EqualTo("Finalizing"));

        world.Client.Remove(failing);
        await world.PassUntilAsync(() => Read(world, "qbsync_active_finalization_backoffs") == 0);
        await world.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(Read(world, "qbsync_active_finalization_backoffs"), Is.Zero);
    }

    [Test]
    [MetricCase("G15")]
    public async Task Records_OfCompletion_AreCountedOverARemovalAndARestart()
    {
        const string Records = "qbsync_completed_on_dest_cache_size";
        await using var world = new SourceWorld();
        ScriptedTorrent[] torrents = [world.Client.Add(SourceWorld.Torrent("stays", seed: 1)), world.Client.Add(SourceWorld.Torrent("goes", seed: 2))];
        world.Start();
        await world.PassUntilAsync(() => Read(world, Records) == 2);
        Assert.That(torrents, Has.All.Matches<ScriptedTorrent>(world.IsSynced));

        world.Client.Remove(torrents[1]);
        await world.PassUntilAsync(() => Read(world, Records) == 1);

        await world.StopAsync();
        world.Start();
        await world.PassUntilAsync(() => Read(world, Records) == 1 && world.IsSynced(torrents[0]));
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(Read(world, Records), Is.EqualTo(1));
    }

    [Test]
    [MetricCase("A17")]
    public async Task Backlog_IsWhatIsCompleteHereAndNotThere_AndNoneWhenOnlyTheDownloadStalls()
    {
        const string Backlog = "qbsync_backlog_bytes";
        await using var world = new SourceWorld();
        world.Destination.SetDown(true);
        var torrent = world.Client.Add(new TorrentBuilder("film") { Length = 8 * Piece, PieceLength = Piece }.Build(), complete: false);
        SetFirst(torrent, 3);
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Discovered" && Read(world, Backlog) > 0);
        Assert.That(Read(world, Backlog), Is.EqualTo(3 * Piece), "what the client calls complete");

        world.Destination.SetDown(false);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 3);
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.That(Read(world, Backlog), Is.Zero, "the download stalls, nothing else does");

        world.Destination.Link!.HoldsAcks = true;
        world.Client.Change(() => SetFirst(torrent, 5));
        await world.PassUntilAsync(() => world.Destination.Link.Held == 2);
        await world.PassUntilAsync(() => Read(world, Backlog) == 2 * Piece);

        world.Destination.Link.HoldsAcks = false;
        world.Destination.Link.Release();
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(Read(world, Backlog), Is.Zero);
    }

    [Test]
    [MetricCase("A16")]
    public async Task Deletable_IsWhatMayGoNow_AndNothingWhileTheDestinationIsAway()
    {
        const string Deletable = "qbsync_deletable_bytes";
        await using CleanupWorld rig = new(static options => options.Handoff.MinSeedingTime = TimeSpan.FromHours(1)) { FreeAtFirst = CleanupWorld.MinSpace * 3 / 2 };
        rig.Add("old", 100 * CleanupWorld.MiB).SeedingTime = TimeSpan.FromHours(2);
        rig.Add("young", 300 * CleanupWorld.MiB).SeedingTime = TimeSpan.Zero;
        rig.World.Start();
        await rig.World.PassUntilAsync(() => Read(rig.World, Deletable) == 100.0 * CleanupWorld.MiB);
        Assert.That(rig.Deleted, Is.Empty, "there is room enough");

        rig.World.Destination.SetDown(true);
        await rig.World.PassUntilAsync(() => Read(rig.World, Deletable) == 0);
        rig.World.Destination.SetDown(false);
        await rig.World.PassUntilAsync(() => Read(rig.World, Deletable) == 100.0 * CleanupWorld.MiB);
    }

    [Test]
    [MetricCase("A18")]
    public async Task States_AreCountedEach_AndOfTheirOwn()
    {
        await using var world = new SourceWorld();
        var refused = SourceWorld.Torrent("failed", seed: 1);
        world.Destination.OnInit = request => request.Id == refused.Id ? new InitOutcome.Refused(new Refusal(RefusalReason.Unsupported)) : null;
        var failed = world.Client.Add(refused);
        var synced = world.Client.Add(SourceWorld.Torrent("synced", seed: 2));
        world.Client.Add(SourceWorld.Torrent("excluded", seed: 3)).Tags.Add("no-sync");
        var streaming = world.Client.Add(SourceWorld.Torrent("streaming", seed: 4), complete: false);
        streaming.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(synced) && failed.Tags.Contains("sync-failed") && world.Progress(streaming.Torrent.Id)?.PiecesDone == 1
            && Read(world, "qbsync_torrents") == 4);
        await world.PassAsync(TimeSpan.FromSeconds(5));

        var seen = await world.ReadMetricsAsync();
        Assert.That(
            seen.Find("qbsync_torrents").ToDictionary(static sample => sample.Labels["state"], static sample => sample.Value),
            Is.EquivalentTo(new Dictionary<string, double>
            {
                ["discovered"] = 0,
                ["initializing"] = 0,
                ["streaming"] = 1,
                ["finalizing"] = 0,
                ["synced"] = 1,
                ["failed"] = 1,
                ["excluded"] = 1,
                ["removing"] = 0,
                ["removed"] = 0,
                ["handing_off"] = 0,
                ["handed_off"] = 0,
            }));
    }

    private static double Read(SourceWorld world, string family) => world.ReadMetricsAsync().GetAwaiter().GetResult().Sum(family);

    private static void SetFirst(ScriptedTorrent torrent, int count)
    {
        for (var piece = 0; piece < count; piece++)
        {
            torrent.Has.Set(piece);
        }
    }
}
