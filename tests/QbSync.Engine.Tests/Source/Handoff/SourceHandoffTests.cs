using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Source.Handoff;

/// <summary>Whole engines that hand over.</summary>
[TestFixture]
internal sealed class SourceHandoffTests
{
    private static readonly BuiltTorrent Film = SourceWorld.Torrent("film");

    [Test]
    [SourceCase(88)]
    [MetricCase("A10")]
    public async Task Seeded_HandsOverAndDeletes()
    {
        await using var world = MakeWorld();
        var torrent = world.Client.Add(Film);
        world.Start();

        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "HandedOff");

        Assert.That(world.Client.Has(torrent), Is.False);
        Assert.That(world.Destination.Find(Film.Id), Has.Property("IsActive").True.And.Property("IsClosed").True);
        Assert.That(world.Destination.Find(Film.Id)!.Tags, Does.Contain("source-removed"));
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_handoff_total{result=\"success\"} 1"));
    }

    [Test]
    [SourceCase(25)]
    public async Task AddedAnewAfterItsHandoff_IsAdoptedAndSeedsItsTime()
    {
        await using var world = MakeWorld();
        world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "HandedOff");
        var sends = world.Destination.Link!.Sends;
        world.Options.Handoff.MinSeedingTime = TimeSpan.FromHours(1);
        world.Engine.Apply(world.Options);
        await world.PassAsync(TimeSpan.FromSeconds(1));
        var proofs = world.Destination.Count("Prove");

        var again = world.Client.Add(Film);
        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "Synced");
        await world.PassAsync(TimeSpan.FromMinutes(10));

        Assert.That(world.Client.Has(again), Is.True);
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(sends), "nothing is sent again");
        Assert.That(world.Destination.Count("Prove"), Is.EqualTo(proofs));

        world.Client.Change(() => again.SeedingTime = TimeSpan.FromHours(2));
        await world.PassUntilAsync(() => !world.Client.Has(again));
        Assert.That(world.Destination.Count("Prove"), Is.GreaterThanOrEqualTo(proofs + 2), "by new proofs");
    }

    [Test]
    public async Task HandedOff_IsKnownOverARestart()
    {
        await using var world = MakeWorld();
        world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "HandedOff");
        await world.StopAsync();
        var starts = world.Destination.Count("StartRemovedAtSource");

        world.Start();
        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "HandedOff");
        await world.PassAsync(TimeSpan.FromMinutes(40));

        Assert.That(world.Destination.Count("StartRemovedAtSource"), Is.EqualTo(starts), "our own delete is no removal by the user");
    }

    [Test]
    [SourceCase(89)]
    public async Task StoppedInTheMiddle_TheNextProcessGoesOn()
    {
        await using var world = MakeWorld();
        world.Options.Handoff.DeleteGrace = TimeSpan.FromMinutes(5);
        var torrent = world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(Film.Id)?.WaitingFor == Status.WaitingReason.Grace);
        await world.StopAsync();
        Assert.That(world.Records.All.Keys, Has.Some.StartsWith("handoff/"));
        Assert.That(torrent.IsStopped, Is.True);

        world.Start();
        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "HandedOff");

        Assert.That(world.Client.Has(torrent), Is.False);
        Assert.That(world.Records.All.Keys, Has.None.StartsWith("handoff/"));
    }

    [Test]
    public async Task AfterAStart_TheFirstHandoffBeginsAsSoonAsTheFilesAreKnown()
    {
        await using var world = MakeWorld();
        world.Options.Handoff.MinSeedingTime = TimeSpan.FromDays(1);
        var torrent = world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await world.StopAsync();
        world.Options.Handoff.MinSeedingTime = TimeSpan.Zero;
        var began = world.Time.GetUtcNow();

        world.Start();
        await world.PassUntilAsync(() => world.Destination.Count("Prove") > 0);

        Assert.That(world.Time.GetUtcNow() - began, Is.LessThan(TimeSpan.FromSeconds(10)), "not by the look of every half a minute");
    }

    [Test]
    [SourceCase(85)]
    public async Task JournalLost_WhatBothSidesShowDecides()
    {
        await using var world = MakeWorld();
        world.Options.Handoff.DeleteGrace = TimeSpan.FromMinutes(5);
        var torrent = world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(Film.Id)?.WaitingFor == Status.WaitingReason.Grace);
        await world.StopAsync();
        var entry = world.Records.All.Keys.Single(static name => name.StartsWith("handoff/", StringComparison.Ordinal));
        await world.Records.RemoveAsync(entry, CancellationToken.None);

        world.Start();
        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "HandedOff");

        Assert.That(world.Client.Has(torrent), Is.False);
        Assert.That(world.Destination.Find(Film.Id)!.IsActive, Is.True);
    }

    [Test]
    [SourceCase(98)]
    [MetricCase("A13")]
    public async Task ActiveOnBothSides_OursThereIsTakenBackWithinACycle()
    {
        await using var world = await SyncedWorldAsync();
        var held = world.Destination.Find(Film.Id)!;
        (held.State, held.IsActive) = (DestinationTorrentState.HandedOff, true);

        await world.PassUntilAsync(() => !held.IsActive);
        await world.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(world.Destination.Count("Withdraw"), Is.EqualTo(1));
        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Id == 4121), Is.EqualTo(1));
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_double_seeding_torrents 0"));
    }

    [Test]
    [SourceCase(98)]
    public async Task ActiveOnBothSides_ItsUsersThereIsToldOfOnce()
    {
        await using var world = await SyncedWorldAsync();
        var held = world.Destination.Find(Film.Id)!;
        (held.IsUsers, held.IsActive) = (true, true);

        await world.PassUntilAsync(() => world.Log.Entries.Any(static entry => entry.Id.Id == 4122));
        await world.PassAsync(TimeSpan.FromMinutes(10));

        Assert.That(world.Log.Entries.Count(static entry => entry.Id.Id == 4122), Is.EqualTo(1));
        Assert.That(world.Destination.Count("Withdraw"), Is.Zero);
        Assert.That(held.IsActive, Is.True);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_double_seeding_torrents 1"));
    }

    [Test]
    [SourceCase(97)]
    public async Task Start_CarriesWhatIsLeftOfTheLimits()
    {
        await using var world = MakeWorld();
        var torrent = world.Client.Add(Film);
        torrent.Limits = new ShareLimits(ShareLimit.Of(2), ShareLimit.Of(20), ShareLimit.Unlimited);
        world.Start();

        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "HandedOff");

        // Ratio 0.5 of 2 is used, and all 20 minutes in its 30: that limit is no longer the torrent's own.
        Assert.That(
            world.Destination.Find(Film.Id)!.Parameters!.Limits,
            Is.EqualTo(new ShareLimits(ShareLimit.Of(1.5), ShareLimit.Global, ShareLimit.Unlimited)));
    }

    [Test]
    public async Task TurnedBack_RestsForHalfAnHour()
    {
        await using var world = MakeWorld();
        world.Client.Add(Film);
        world.Destination.OnStart = static _ => new StartOutcome.Refused(new Refusal(RefusalReason.NotSeeding));
        world.Start();
        await world.PassUntilAsync(() => world.Destination.Count("StartHandoff") == 1);

        await world.PassAsync(TimeSpan.FromMinutes(25));
        Assert.That(world.Destination.Count("StartHandoff"), Is.EqualTo(1));
        await world.PassUntilAsync(() => world.Destination.Count("StartHandoff") == 2);
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

    private static async Task<SourceWorld> SyncedWorldAsync()
    {
        var world = new SourceWorld();
        world.Client.Add(Film);
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(Film.Id) == "Synced");
        return world;
    }
}
