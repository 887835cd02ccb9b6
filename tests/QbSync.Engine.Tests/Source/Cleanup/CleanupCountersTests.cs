using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Cleanup;

/// <summary>Groups and torrents that cleanup or a drain took on; what leaves since it has seeded enough is neither.</summary>
[TestFixture]
internal sealed class CleanupCountersTests
{
    [Test]
    [MetricCase("C28")]
    public async Task Groups_OneOfEachEnd_AreCountedByIt()
    {
        await using CleanupWorld rig = new(static options => options.Handoff.MinSeedingTime = TimeSpan.FromHours(1));
        var (good, bad, young) = (rig.Add("good"), rig.Add("bad"), rig.Add("young"));
        good.SeedingTime = bad.SeedingTime = TimeSpan.FromHours(2);
        young.SeedingTime = TimeSpan.Zero;
        rig.World.Destination.OnProve = proof =>
            proof.Id == bad.Torrent.Id && bad.IsStopped ? new ProveOutcome.Refused(new Refusal(RefusalReason.Incomplete)) : null;
        rig.World.Start();
        await rig.World.PassUntilAsync(() => Read("success") >= 1 && Read("failure") >= 1 && Read("skipped_seeding") >= 1);

        // Who failed is tried again after a rest of half an hour, and counts again then.
        Assert.That((Read("success"), Read("failure"), Read("skipped_seeding")), Is.EqualTo((1.0, 1.0, 1.0)));
        Assert.That(rig.Deleted, Is.EqualTo(new[] { "good" }));
        Assert.That(await rig.ScrapeAsync("qbsync_handoff_total{result=\"rolled_back\"}"), Is.EqualTo(1));

        double Read(string result) => rig.ScrapeAsync($"qbsync_cleanup_groups_total{{result=\"{result}\"}}").Result;
    }

    [Test]
    [MetricCase("C28")]
    [MetricCase("C29")]
    public async Task Torrents_ThatLeaveSinceTheySeededEnough_AreNoCleanup()
    {
        await using CleanupWorld rig = new(static options => options.Handoff.Mode = HandoffMode.Seeded) { FreeAtFirst = CleanupWorld.MinSpace * 10 };
        rig.Add("film");
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 1);

        await rig.World.PassUntilAsync(() => rig.ScrapeAsync("qbsync_handoff_total{result=\"success\"}").Result == 1);
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_groups_total{result=\"success\"}"), Is.Zero);
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_torrents_handed_off_total"), Is.Zero);
    }

    [Test]
    [MetricCase("C29")]
    public async Task Torrent_WhoseDeleteFailsFirst_CountsWhenItIsGone()
    {
        await using CleanupWorld rig = new();
        rig.Add("film", 2048 * CleanupWorld.MiB);
        var (tried, fails) = (0, true);
        rig.Client.Before = call =>
        {
            if (call == "here.delete" && Volatile.Read(ref fails))
            {
                Interlocked.Increment(ref tried);
                throw new TorrentClientException(ClientFault.ServerError, call, "The client is busy with itself.");
            }

            return default;
        };
        rig.World.Start();
        await rig.World.PassUntilAsync(() => Volatile.Read(ref tried) > 0);
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_torrents_handed_off_total"), Is.Zero);

        Volatile.Write(ref fails, false);
        await rig.World.PassUntilAsync(() => rig.World.Engine.Status.Torrents.All(static torrent => torrent.State == "HandedOff"));
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_torrents_handed_off_total"), Is.EqualTo(1));
    }
}
