using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Metrics;

/// <summary>What a source's client shows against what it was told, by whole engines: each kind once a torrent and episode.</summary>
[TestFixture]
internal sealed class HandoffViolationTests
{
    private const string Violations = "qbsync_client_state_violations_total";
    private const int NotStartedAgain = 4105;
    private static readonly BuiltTorrent Film = SourceWorld.Torrent("film");

    [Test]
    [MetricCase("A19"), MetricCase("C04")]
    public async Task Stop_ThatIsAnsweredAndNotDone_IsAnActiveOne()
    {
        await using var world = MakeWorld();
        var torrent = world.Client.Add(Film);
        torrent.IsDeaf = true;
        world.Start();
        await world.PassUntilAsync(() => Read(world, "qbsync_handoff_total", ("result", "rolled_back")) == 1);
        await world.PassAsync(TimeSpan.FromMinutes(5));

        AssertOnly(world, "active", 1);
        Assert.That(Read(world, "qbsync_torrent_stop_errors_total"), Is.EqualTo(1));
        Assert.That(world.Client.Has(torrent), Is.True);
    }

    [Test]
    [MetricCase("A19")]
    public async Task GoodHandoff_HasNone()
    {
        await using var world = MakeWorld();
        world.Options.Handoff.DeleteGrace = TimeSpan.FromMinutes(5);
        world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "HandedOff");

        Assert.That(Read(world, Violations), Is.Zero);
    }

    [Test]
    [MetricCase("A19")]
    public async Task StartedHereWhileTheDestinationSeeds_IsAnActiveOne()
    {
        await using var world = await WaitingWorldAsync();
        world.Client.Change(() => world.Find(Film).IsStopped = false);
        await world.PassUntilAsync(() => Read(world, "qbsync_handoff_total", ("result", "rolled_back")) == 1);

        AssertOnly(world, "active", 1);
        Assert.That(world.Destination.Find(Film.Id)!.IsActive, Is.False, "one side seeds");
    }

    [TestCase(ClientTorrentState.MissingFiles, "missing_files")]
    [TestCase(ClientTorrentState.Error, "errored")]
    [MetricCase("A19")]
    public async Task ContentLostWhileItRestsHere_CountsOnceAnEpisode(ClientTorrentState state, string kind)
    {
        await using var world = await WaitingWorldAsync();
        for (var episode = 1; episode <= 2; episode++)
        {
            world.Client.Change(() => world.Find(Film).ForcedState = state);
            await world.PassUntilAsync(() => Read(world, Violations) == episode);
            await world.PassAsync(TimeSpan.FromMinutes(2));
            AssertOnly(world, kind, episode);

            // Seen stopped and whole, as it was ordered: the episode is over.
            world.Client.Change(() => world.Find(Film).ForcedState = null);
            await world.PassAsync(TimeSpan.FromMinutes(2));
            AssertOnly(world, kind, episode);
        }
    }

    [Test]
    [MetricCase("A19"), MetricCase("C05")]
    public async Task StartedAgainAndDownloads_IsADownloadingOneUntilItSeeds()
    {
        await using var world = await WaitingWorldAsync();
        world.Log.Expect(NotStartedAgain);
        world.Client.Change(() => world.Find(Film).ForcedState = ClientTorrentState.StalledDl);
        await world.PassUntilAsync(() => Read(world, "qbsync_torrent_resume_errors_total") >= 2);
        AssertOnly(world, "downloading", 1);

        world.Client.Change(() => world.Find(Film).ForcedState = null);
        await world.PassUntilAsync(() => Read(world, "qbsync_handoff_total", ("result", "rolled_back")) == 1);
        AssertOnly(world, "downloading", 1);
    }

    /// <summary>A handoff that waits for its grace: stopped here, seeding there.</summary>
    private static async Task<SourceWorld> WaitingWorldAsync()
    {
        var world = MakeWorld();
        world.Options.Handoff.DeleteGrace = TimeSpan.FromHours(2);
        world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(Film.Id)?.WaitingFor == Status.WaitingReason.Grace);
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.That(Read(world, Violations), Is.Zero);
        return world;
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

    private static void AssertOnly(SourceWorld world, string kind, int count)
    {
        Assert.That(Read(world, Violations, ("mode", "source"), ("kind", kind)), Is.EqualTo(count));
        Assert.That(Read(world, Violations), Is.EqualTo(count), "no other kind");
    }

    private static double Read(SourceWorld world, string family, params (string Label, string Value)[] labels) =>
        world.ReadMetricsAsync().GetAwaiter().GetResult().Sum(family, labels);
}
