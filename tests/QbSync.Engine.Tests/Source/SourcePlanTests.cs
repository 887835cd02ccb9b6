using QbSync.Engine.Plans;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Tests.Source.World;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>What a source says that it would do, against what it does.</summary>
[TestFixture]
internal sealed class SourcePlanTests
{
    [Test]
    [HostCase(39)]
    [SourceCase(122)]
    public async Task Plan_Of200RandomLibraries_IsWhatTheRunDoesAndTheSameOfflineAndOnline([Range(1, 200, 25)] int first)
    {
        for (var seed = first; seed < first + 25; seed++)
        {
            await CompareAsync(seed);
        }
    }

    [Test]
    [HostCase(40)]
    public async Task Explain_OfASyncedTorrent_ListsEveryConditionWithItsOption()
    {
        await using var world = new SourceWorld();
        world.Options.Handoff.MinSeedingTime = TimeSpan.FromHours(1);
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        var told = await world.PassUntilEndedAsync(world.Engine.ExplainAsync(torrent.Torrent.Id, default));
        var unknown = await world.PassUntilEndedAsync(world.Engine.ExplainAsync(InfoHash.Parse(new string('f', 40)), default));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(told!.Torrent, Has.Property("Action").EqualTo(PlanAction.Keep).And.Property("Reason").EqualTo("it has to seed for another 30 min"));
            Assert.That(told.Conditions.Where(static one => one.Topic == PlanTopic.Proof).Select(static one => one.Name), Is.EqualTo(ProofRules.Names));
            Assert.That(told.Conditions.Select(static one => one.Option).OfType<string>(), Is.SupersetOf((string[])
            [
                "exclude-sync-tag", "sync-failed-tag", "exclude-category", "exclude-tag", "exclude-tracker", "include-category", "include-tag", "include-tracker",
                "min-torrent-size", "max-torrent-size", "private-torrents", "path-map", "destination-addr", "handoff", "exclude-cleanup-tag", "min-seeding-time", "min-space",
            ]));
            Assert.That(
                told.Conditions.Where(static one => one is { Topic: PlanTopic.Sync, IsMet: false }), Is.Empty, "nothing speaks against its sync");
            Assert.That(told.Conditions.Single(static one => one is { Topic: PlanTopic.Handoff, Option: "min-seeding-time" }), Has.Property("IsMet").False.And.Property("Value").EqualTo("30 min of 1 h"));
            Assert.That(unknown, Has.Property("IsKnown").True.And.Property("Torrent").Null);
        }
    }

    [Test]
    [HostCase(40)]
    public async Task Explain_OfATorrentThatIsNotTaken_SaysWhatStandsInTheWay()
    {
        await using var world = new SourceWorld();
        world.Options.Filter.ExcludeCategories = ["films"];
        var forbidden = world.Client.Add(SourceWorld.Torrent("forbidden", seed: 1));
        var outside = world.Client.Add(SourceWorld.Torrent("outside", seed: 2));
        outside.Category = "books";
        outside.SavePath = "/elsewhere";
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(forbidden.Torrent.Id) == "Excluded" && world.Progress(outside.Torrent.Id)?.WaitingFor == Status.WaitingReason.Route);

        var byList = await world.PassUntilEndedAsync(world.Engine.ExplainAsync(forbidden.Torrent.Id, default));
        var byPlace = await world.PassUntilEndedAsync(world.Engine.ExplainAsync(outside.Torrent.Id, default));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(byList!.Torrent, Has.Property("Action").EqualTo(PlanAction.Skip).And.Property("Reason").EqualTo("exclude-category has 'films'"));
            Assert.That(byList.Conditions.Where(static one => one.IsMet == false).Select(static one => one.Option), Has.One.EqualTo("exclude-category"));
            Assert.That(byPlace!.Torrent, Has.Property("Action").EqualTo(PlanAction.Skip).And.Property("Reason").Contains("path-map"));
            Assert.That(byPlace.Conditions.Single(static one => one.Option == "path-map"), Has.Property("IsMet").False.And.Property("Value").Contains("/elsewhere"));
        }
    }

    [Test]
    public async Task Plan_WithoutClientOrDestination_SaysWhatIsAmissAndIsNoFault()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Client.IsDown = true;
        world.Destination.SetDown(true);
        world.Start();
        await world.PassUntilAsync(() => world.Engine.Status is { ClientOk: false, PeerOk: false });
        Assert.That(await world.PassUntilEndedAsync(world.Engine.PlanAsync(default)), Has.Property("IsKnown").False.And.Property("Problem").Contains("down"));

        world.Client.IsDown = false;
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is not null);
        var plan = await world.PassUntilEndedAsync(world.Engine.PlanAsync(default));
        Assert.That(plan, Has.Property("IsKnown").True.And.Property("Problem").Not.Empty);
        Assert.That(plan!.Torrents.Single(), Has.Property("Action").EqualTo(PlanAction.Sync).And.Property("Reason").EqualTo("the destination does not answer"));

        await world.StopAsync();
        Assert.That(await world.Engine.PlanAsync(default), Is.Null, "it does not run");
        Assert.That(await world.Engine.ExplainAsync(torrent.Torrent.Id, default), Is.Null);
    }

    [Test]
    [HostCase(27)]
    public async Task Seeded_ThatIsTooYoung_WaitsForItsSeedingTimeAndOnlyWhileThatIsSo()
    {
        await using var world = new SourceWorld();
        world.Options.Handoff.Mode = HandoffMode.Seeded;
        world.Options.Handoff.MinSeedingTime = TimeSpan.FromHours(1);
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is { State: "Synced", WaitingFor: Status.WaitingReason.SeedingTime });

        world.Options.Handoff.Mode = HandoffMode.Never;
        world.Engine.Apply(world.Options);
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id) is { State: "Synced", WaitingFor: Status.WaitingReason.None });
    }

    private static async Task CompareAsync(int seed)
    {
        await using var world = new SourceWorld();
        world.Options.Filter.ExcludeCategories = ["never"];
        world.Options.Handoff.ExcludeCleanupTag = "stays";
        var random = new Random(seed);
        ScriptedTorrent[] torrents = [.. Enumerable.Range(1, 10).Select(i => Add(world, random, (seed * 100) + i))];

        var plan = await PlanOfflineAsync(world);
        Assert.That(plan.Torrents.Select(static line => line.Id), Is.EquivalentTo(torrents.Select(static torrent => torrent.Torrent.Id)));
        world.Start();
        await world.PassUntilAsync(() => plan.Torrents.All(line => IsAsPlanned(world, line)), $"library {seed}");
        await world.PassAsync(TimeSpan.FromSeconds(30));
        Assert.That(plan.Torrents.Where(line => !IsAsPlanned(world, line)), Is.Empty, $"library {seed} stays so");

        var online = await world.PassUntilEndedAsync(world.Engine.PlanAsync(default));
        await world.StopAsync();
        var offline = await PlanOfflineAsync(world);
        Assert.That(online, Has.Property("Problem").Empty);
        Assert.That(online!.Torrents, Is.EqualTo(offline.Torrents), $"library {seed}");
    }

    /// <summary>Whether what was said of a torrent has come about: what is at the destination, and what the source makes of it.</summary>
    private static bool IsAsPlanned(SourceWorld world, PlanLine line)
    {
        var (state, there) = (world.StateOf(line.Id), world.Destination.Find(line.Id));
        return line.Action switch
        {
            PlanAction.Sync => state == "Synced" && there is not null,
            PlanAction.Stream when line.BytesToSend > 0 => state == "Streaming" && there is not null && world.Progress(line.Id) is { PiecesDone: 2 },
            PlanAction.Stream => state == "Discovered" && there is null,
            PlanAction.Failed => state == "Failed" && there is null,
            PlanAction.Skip => state is "" or "Excluded" or "Discovered" or "Initializing" && there is null,
            _ => false,
        };
    }

    private static ScriptedTorrent Add(SourceWorld world, Random random, int seed)
    {
        var torrent = world.Client.Add(SourceWorld.Torrent($"torrent {seed}", pieces: random.Next(3, 9), seed: seed), complete: random.Next(2) == 0);
        world.Client.Change(() =>
        {
            if (!torrent.IsComplete && random.Next(2) == 0)
            {
                torrent.Has.Set(0);
                torrent.Has.Set(1);
            }

            switch (random.Next(12))
            {
                case 0:
                    torrent.Tags.Add("no-sync");
                    break;
                case 1:
                    torrent.Category = "never";
                    break;
                case 2:
                    torrent.HasMetadata = false;
                    break;
                case 3:
                    torrent.SavePath = "/elsewhere";
                    break;
                case 4:
                    torrent.ForcedState = torrent.IsComplete ? ClientTorrentState.CheckingUp : ClientTorrentState.StoppedDl;
                    break;
                case 5:
                    torrent.ForcedState = ClientTorrentState.MissingFiles;
                    break;
                case 6:
                    torrent.Tags.Add("sync-failed");
                    break;
                case 7:
                    torrent.Tags.Add("stays");
                    break;
                case 8:
                    torrent.SeedingTime = TimeSpan.FromDays(1);
                    break;
            }
        });
        return torrent;
    }

    private static async Task<SourcePlan> PlanOfflineAsync(SourceWorld world)
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        await using var run = new SourceDryRun(
            world.Options, world.Client, world.Destination, world.Client, world.Records, Prometheus.Metrics.WithCustomRegistry(registry), registry, world.Log, world.Time, new Random(1));
        return await world.PassUntilEndedAsync(run.PlanAsync(default));
    }
}
