using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Cleanup;

/// <summary>Whole source engines on virtual time: who may go.</summary>
[TestFixture]
internal sealed class CleanupEligibilityTests
{
    [TestCase("young"), TestCase("unknown age"), TestCase("downloads again"), TestCase("tag")]
    [SourceCase(109)]
    public async Task Torrent_ThatMayNotGo_Stays(string what)
    {
        await using CleanupWorld rig = new(static options =>
        {
            options.Handoff.MinSeedingTime = TimeSpan.FromHours(1);
            options.Handoff.ExcludeCleanupTag = "keep";
        });
        var film = rig.Add("film");
        film.SeedingTime = what switch { "young" => TimeSpan.FromMinutes(30), "unknown age" => null, _ => TimeSpan.FromHours(2) };
        var control = rig.Add("control", 10 * CleanupWorld.MiB);
        control.SeedingTime = TimeSpan.FromHours(2);
        if (what == "tag")
        {
            film.Tags.Add("keep");
        }

        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.IsSynced(film));
        if (what == "downloads again")
        {
            rig.Client.Change(() => film.Has.Clear(0));
        }

        await rig.World.PassUntilAsync(() => rig.Deleted.Count > 0);
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));

        Assert.That(rig.Deleted, Is.EqualTo(new[] { "control" }));
        Assert.That(rig.IsActive(film), Is.True);
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_groups_total{result=\"skipped_seeding\"}"), Is.EqualTo(what is "young" or "unknown age" ? 1 : 0));
    }

    [Test, SourceCase(109)]
    public async Task Tag_OptionIsEmpty_KeepsNothing()
    {
        await using CleanupWorld rig = new(static options => options.Handoff.ExcludeCleanupTag = "");
        var film = rig.Add("film");
        film.Tags.UnionWith(["", "keep"]);
        rig.World.Start();

        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 1);
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

    [Test, SourceCase(111)]
    public async Task SyncedTag_MissingOrSetByHand_DecidesNothing()
    {
        await using CleanupWorld rig = new(static options => options.SyncedTag = "");
        rig.World.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.PathConflict));
        var tagged = rig.Add("a-tagged", held: false);
        tagged.Tags.Add("synced");
        rig.Add("untagged", 10 * CleanupWorld.MiB);
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 1);
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(rig.Deleted, Is.EqualTo(new[] { "untagged" }));
        Assert.That(rig.IsActive(tagged), Is.True);
    }

    [Test]
    public async Task Seeded_LongEnough_GoesWithoutWantOfSpaceLongestFirst()
    {
        await using CleanupWorld rig = new(static options =>
        {
            options.Handoff.Mode = HandoffMode.Seeded;
            options.Handoff.MinSeedingTime = TimeSpan.FromHours(1);
        }) { FreeAtFirst = CleanupWorld.MinSpace * 10 };
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
