using QbSync.Engine.Tests.Source.World;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>Other options while a source runs: in force within a second, each on its own clock.</summary>
[TestFixture]
internal sealed class SourceReloadTests
{
    private const long Mebi = 1 << 20;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Test]
    [HostCase(9)]
    public async Task RateLimit_OnAndOff_ReachesTheLinkWithinASecond()
    {
        await using var world = new SourceWorld();
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link is not null && world.Engine.Status.PeerOk == true);
        foreach (var rate in (long[])[3 * Mebi, 5 * Mebi, 0])
        {
            world.Options.RateLimit = rate;
            world.Engine.Apply(world.Options);
            var since = world.Time.GetUtcNow();
            await world.PassUntilAsync(() => world.Destination.Link!.RateLimit == rate);
            Assert.That(world.Time.GetUtcNow() - since, Is.LessThanOrEqualTo(Second));
        }
    }

    [Test]
    [HostCase(9)]
    public async Task Filter_ThatForbidsNoMore_TakesTheTorrentUp()
    {
        await using var world = new SourceWorld();
        world.Options.Filter.ExcludeCategories = ["films"];
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        torrent.Category = "films";
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Excluded");

        world.Options.Filter.ExcludeCategories = [];
        Assert.That(world.StateOf(torrent.Torrent.Id), Is.EqualTo("Excluded"), "options that were given are the engine's own");
        world.Engine.Apply(world.Options);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    [HostCase(9)]
    public async Task Filter_ThatNeedsTrackersNow_AsksForThemAndDecidesAnew()
    {
        await using var world = new SourceWorld();
        world.Options.Filter.PrivateTorrents = PrivateTorrents.Skip;
        var torrent = world.Client.Add(new TorrentBuilder("secret") { Length = 50_000, PieceLength = 16384, IsPrivate = true }.Build());
        torrent.Trackers = ["https://bad.example/announce"];
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Excluded");
        Assert.That(torrent.TrackerCalls, Is.Zero);

        world.Options.Filter.PrivateTorrents = PrivateTorrents.Sync;
        world.Options.Filter.ExcludeTrackers = ["bad.example"];
        world.Engine.Apply(world.Options);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)!.Reason.Contains("exclude-tracker", StringComparison.Ordinal));
        Assert.That(world.Destination.Count("Init"), Is.Zero);

        world.Options.Filter.ExcludeTrackers = [];
        world.Engine.Apply(world.Options);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    [HostCase(9)]
    public async Task ExcludeSyncTag_ThatIsAnother_IsObeyed()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        torrent.Tags.Add("private");
        world.Options.ExcludeSyncTag = "private";
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Excluded");
        world.Options.ExcludeSyncTag = "";
        world.Engine.Apply(world.Options);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
    }

    [Test]
    [HostCase(9)]
    public async Task Handoff_ThatIsSeededNow_HandsOverWhatIsSynced()
    {
        await using var world = new SourceWorld();
        var film = SourceWorld.Torrent("film");
        world.Disk.Put("/data/film", 1, film.Manifest.ContentLength);
        var torrent = world.Client.Add(film);
        world.Options.Handoff.Mode = HandoffMode.Never;
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        world.Options.Handoff = new HandoffOptions { Mode = HandoffMode.Seeded, MinSeedingTime = TimeSpan.Zero, DeleteGrace = TimeSpan.FromSeconds(10) };
        world.Engine.Apply(world.Options);
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "HandedOff");
    }

    [Test]
    [HostCase(9)]
    public async Task Options_ThatAreWrong_ChangeNothing()
    {
        await using var world = new SourceWorld();
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Link is not null && world.Engine.Status.PeerOk == true);
        var before = world.Destination.Link!.RateLimit;
        world.Options.RateLimit = 3 * Mebi;
        world.Options.Sleep = TimeSpan.Zero;
        Assert.That(() => world.Engine.Apply(world.Options), Throws.ArgumentException.With.Message.Contains("sleep"));
        await world.PassAsync(Second);
        Assert.That(world.Destination.Link.RateLimit, Is.EqualTo(before));
    }

    [Test]
    public async Task MinSpaceAndWorkers_OneIsTakenAndTheOtherStays()
    {
        await using var world = new SourceWorld();
        world.Start();
        await world.PassUntilAsync(() => world.Engine.Status.IsStarted);
        var workers = world.Options.NumSenders;
        (world.Options.MinSpace, world.Options.NumSenders) = (7, workers + 5);
        world.Engine.Apply(world.Options);
        var scrape = await world.ScrapeAsync();
        Assert.That(scrape, Does.Contain("qbsync_min_free_space_bytes{mode=\"source\"} 7\n").And.Contain($"qbsync_sender_workers_configured {workers}\n"));
    }
}
