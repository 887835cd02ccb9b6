using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Cleanup;

/// <summary>Whole source engines on virtual time: who may go.</summary>
[TestFixture]
internal sealed class CleanupEligibilityTests
{
    [Test, SourceCase(109)]
    public async Task Torrents_ThatMayNotGo_Stay()
    {
        await using CleanupWorld rig = new(static options =>
        {
            options.Handoff.MinSeedingTime = TimeSpan.FromHours(1);
            options.Handoff.ExcludeCleanupTag = "keep";
        });
        var (young, unknown, again, tagged) = (rig.Add("young"), rig.Add("unknown"), rig.Add("again"), rig.Add("tagged"));
        var control = rig.Add("control", 10 * CleanupWorld.MiB);
        young.SeedingTime = TimeSpan.FromMinutes(59);
        unknown.SeedingTime = null;
        control.SeedingTime = again.SeedingTime = tagged.SeedingTime = TimeSpan.FromHours(2);
        tagged.Tags.Add("keep");
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.IsSynced(again));
        rig.Client.Change(() => again.Has.Clear(0));
        await rig.World.PassUntilAsync(() => rig.Deleted.Count > 0);
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));

        Assert.That(rig.Deleted, Is.EqualTo(new[] { "control" }));
        Assert.That(new[] { young, unknown, again, tagged }.Where(rig.IsActive), Has.Exactly(4).Items);
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_groups_total{result=\"skipped_seeding\"}"), Is.EqualTo(2), "once for each of the two");

        // Something else keeps one of them for a while, as a look at it does for a moment.
        rig.Client.Change(() => young.Tags.Add("keep"));
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));
        rig.Client.Change(() => young.Tags.Clear());
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_groups_total{result=\"skipped_seeding\"}"), Is.EqualTo(2), "they are the same two");
    }

    [Test, SourceCase(110)]
    public async Task Group_OneMemberRefusesAtTheLastProof_AllIsBack()
    {
        await using CleanupWorld rig = new();
        var first = rig.Add("b", 700 * CleanupWorld.MiB);
        var second = rig.Add("c", sameFileAs: "/data/b");
        rig.World.Destination.OnProve = proof =>
            proof.Id == second.Torrent.Id && second.IsStopped ? new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete)) : null;
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.Destination.Count("Withdraw") >= 2);
        await rig.World.PassUntilAsync(() => rig.IsActive(first) && rig.IsActive(second) && rig.World.IsSynced(first) && rig.World.IsSynced(second));
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(rig.Deleted, Is.Empty);
        Assert.That(rig.World.Destination.Find(first.Torrent.Id)!.IsActive, Is.False);
        Assert.That(rig.World.Destination.Count("Withdraw"), Is.LessThanOrEqualTo(3), "they rest");
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_groups_total{result=\"failure\"}"), Is.EqualTo(1));
    }

    [Test, SourceCase(109), SourceCase(111)]
    public async Task SyncedTag_MissingOrSetByHand_DecidesNothing_NorDoesATagOfNoName()
    {
        await using CleanupWorld rig = new(static options => options.SyncedTag = "");
        rig.World.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.PathConflict));
        var tagged = rig.Add("a-tagged", held: false);
        tagged.Tags.Add("synced");
        rig.Add("untagged", 10 * CleanupWorld.MiB).Tags.Add("");
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 1);
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(rig.Deleted, Is.EqualTo(new[] { "untagged" }));
        Assert.That(rig.IsActive(tagged), Is.True);
    }

    [Test, SourceCase(109)]
    public async Task Drain_YoungOrTagged_GoAllTheSame()
    {
        await using CleanupWorld rig = new(static options =>
        {
            options.Handoff.MinSeedingTime = TimeSpan.FromHours(1);
            options.Handoff.ExcludeCleanupTag = "keep";
        })
        { FreeAtFirst = CleanupWorld.MinSpace * 10 };
        var (young, tagged) = (rig.Add("young"), rig.Add("tagged"));
        young.SeedingTime = null;
        tagged.Tags.Add("keep");
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.IsSynced(young) && rig.World.IsSynced(tagged));
        var drain = rig.World.Engine.DrainAsync(CancellationToken.None);
        await rig.World.PassUntilAsync(() => drain.IsCompleted);

        Assert.That((await drain)!.HandedOff, Is.EqualTo(2));
        Assert.That(rig.Deleted, Is.EquivalentTo(new[] { "young", "tagged" }));
    }

    [Test]
    public async Task Seeded_LongEnough_GoesWithoutWantOfSpaceLongestFirst()
    {
        await using CleanupWorld rig = new(static options =>
        {
            options.Handoff.Mode = HandoffMode.Seeded;
            options.Handoff.MinSeedingTime = TimeSpan.FromHours(1);
        })
        { FreeAtFirst = CleanupWorld.MinSpace * 10 };
        for (var hours = 0; hours < 5; hours++)
        {
            rig.Add($"film{hours}").SeedingTime = TimeSpan.FromHours(hours);
        }

        rig.Disk.LinkElsewhere("/data/film4");
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 4);
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(rig.Deleted.Take(2), Is.EquivalentTo(new[] { "film4", "film3" }), "two at once, and linked elsewhere is no matter");
        Assert.That(rig.Deleted, Has.None.EqualTo("film0"));
    }

    [Test]
    public async Task Never_Short_DeletesNothing()
    {
        await using CleanupWorld rig = new(static options => options.Handoff.Mode = HandoffMode.Never);
        var film = rig.Add("film");
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.IsSynced(film));
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));

        Assert.That(rig.Deleted, Is.Empty);
        Assert.That(film.FilesCalls, Is.LessThanOrEqualTo(2), "no index is kept for nothing");
    }
}
