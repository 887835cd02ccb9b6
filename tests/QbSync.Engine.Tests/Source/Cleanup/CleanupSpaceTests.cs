using QbSync.Engine.Source.Cleanup;
using QbSync.Engine.Tests.Source.World;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Cleanup;

/// <summary>Whole source engines on virtual time: when something is deleted for want of space, and how much.</summary>
[TestFixture]
internal sealed class CleanupSpaceTests
{
    [Test, SourceCase(101)]
    [MetricCase("A25")]
    public async Task Space_NothingFreeForReal_FreesSome()
    {
        await using CleanupWorld rig = new() { FreeAtFirst = 0 };
        rig.Client.FreeBytes = -1;
        var film = rig.Add("film", 2048 * CleanupWorld.MiB);
        rig.World.Start();

        await rig.World.PassUntilAsync(() => rig.World.StateOf(film.Torrent.Id) == "HandedOff");
        Assert.That(rig.Deleted, Is.EqualTo(new[] { "film" }));
        await rig.World.PassUntilAsync(() => rig.ScrapeAsync("qbsync_cleanup_groups_total{result=\"success\"}").Result == 1);
        Assert.That(await rig.ScrapeAsync("qbsync_free_space_bytes{mode=\"source\",root=\"/data\"}"), Is.EqualTo(2048.0 * CleanupWorld.MiB).Or.Zero);
    }

    [Test, SourceCase(101)]
    [MetricCase("A25")]
    public async Task Space_NeitherTells_HandsNothingOff()
    {
        await using CleanupWorld rig = new() { IsTold = false };
        var film = rig.Add("film");
        rig.World.Start();
        foreach (var told in (long?[])[0, -1, null])
        {
            rig.Client.FreeBytes = told;
            await rig.World.PassAsync(TimeSpan.FromMinutes(4));
            Assert.That(rig.World.Destination.Count("Prove"), Is.Zero);
        }

        Assert.That(rig.IsActive(film), Is.True);
        Assert.That(rig.World.Log.Entries.Count(static entry => entry.Id.Name == "SpaceUnknown"), Is.EqualTo(1));
        Assert.That(await rig.ScrapeAsync("qbsync_free_space_bytes{mode=\"source\",root=\"/data\"}"), Is.NaN);
    }

    [TestCase("mount gone"), TestCase("old"), TestCase("client away")]
    [SourceCase(101)]
    public async Task Space_NotKnownAnyMore_HandsNothingOff(string what)
    {
        using ManualResetEventSlim hang = new(what != "old");
        await using CleanupWorld rig = new() { FreeAtFirst = 0 };
        rig.Client.FreeBytes = 1;
        var film = rig.Add("film");
        var space = rig.Disk.GetSpace;
        var looks = 0;
        rig.Disk.GetSpace = root =>
        {
            if (++looks == 2)
            {
                hang.Wait();
            }

            return space(root);
        };
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.IsSynced(film) && looks > 0);
        rig.IsMounted = what != "mount gone";
        rig.Client.IsDown = what == "client away";
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));

        // Who looks is let go before anything may end this test.
        var (deleted, proofs, isActive) = (rig.Deleted, rig.World.Destination.Count("Prove"), rig.IsActive(film));
        hang.Set();
        Assert.That(deleted, Is.Empty);
        Assert.That(proofs, Is.Zero);
        Assert.That(isActive, Is.True);
    }

    [Test, SourceCase(102)]
    [MetricCase("A16")]
    public async Task Space_ManySmallGroups_OnlyAsManyAsCoverATenthMoreThanTheLimit()
    {
        await using CleanupWorld rig = new() { FreeAtFirst = CleanupWorld.MinSpace - (100 * CleanupWorld.MiB), VisibleAfter = TimeSpan.FromSeconds(25) };
        for (var i = 0; i < 40; i++)
        {
            rig.Add($"film{i:d2}", 20 * CleanupWorld.MiB);
        }

        List<DateTimeOffset> deletes = [];
        rig.OnDelete = _ => deletes.Add(rig.World.Time.GetUtcNow());
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 11);
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));

        Assert.That(rig.Deleted, Has.Count.EqualTo(11), "11 of 20 MiB are more than 100 MiB and a tenth of 1 GiB");
        Assert.That(deletes.Zip(deletes.Skip(1), static (one, next) => next - one), Has.All.GreaterThanOrEqualTo(TimeSpan.FromSeconds(25)), "one by one");
        Assert.That(rig.World.Engine.Status.Torrents.Count(static torrent => torrent.State == "Synced"), Is.EqualTo(29));
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_groups_total{result=\"success\"}"), Is.EqualTo(11));
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_torrents_handed_off_total"), Is.EqualTo(11));
        Assert.That(await rig.ScrapeAsync("qbsync_deletable_bytes"), Is.EqualTo(29.0 * 20 * CleanupWorld.MiB));
    }

    [Test, SourceCase(103)]
    public async Task Space_NeverReleased_OneDeleteAndAPause()
    {
        await using CleanupWorld rig = new() { VisibleAfter = TimeSpan.FromDays(1) };
        for (var i = 0; i < 12; i++)
        {
            rig.Add($"film{i:d2}", 20 * CleanupWorld.MiB);
        }

        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.Log.Entries.Any(static entry => entry.Id.Name == "SpaceNotReleased"));
        await rig.World.PassAsync(DeleteTurns.Rest - TimeSpan.FromMinutes(1));

        Assert.That(rig.Deleted, Has.Count.EqualTo(1));
        var states = rig.World.Engine.Status.Torrents.GroupBy(static torrent => torrent.State).ToDictionary(static group => group.Key, static group => group.Count());
        Assert.That(states, Is.EquivalentTo(new Dictionary<string, int> { ["HandedOff"] = 1, ["HandingOff"] = 7, ["Synced"] = 4 }), "nothing more starts");

        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 2);
        Assert.That(rig.World.Log.Entries.Count(static entry => entry.Id.Name == "SpaceNotReleased"), Is.EqualTo(1));
    }

    [Test]
    public async Task List_LacksATorrentOfWhichNoRemovalIsBelieved_NothingGoes()
    {
        await using CleanupWorld rig = new();
        ScriptedTorrent[] films = [.. Enumerable.Range(0, 4).Select(i => rig.Add($"film{i}", 200 * CleanupWorld.MiB))];
        rig.World.Start();
        await rig.World.PassUntilAsync(() => Array.TrueForAll(films, rig.World.IsSynced));
        rig.Client.RestartWithout(films[0], films[1]);
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(rig.Deleted, Is.Empty, "half of all is away at once: a client that came up with a part of its profile");

        rig.Client.RestartWithout();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count > 0);
    }

    [Test]
    public async Task Engine_EndsInTheMiddle_TheNextOneDeletesNoMoreThanWasWanted()
    {
        await using CleanupWorld rig = new(static options => options.Handoff.DeleteGrace = TimeSpan.FromMinutes(5))
        {
            FreeAtFirst = CleanupWorld.MinSpace - (100 * CleanupWorld.MiB),
        };
        for (var i = 0; i < 12; i++)
        {
            rig.Add($"film{i:d2}", 60 * CleanupWorld.MiB);
        }

        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.Engine.Status.Torrents.Count(static torrent => torrent.State == "HandingOff") == 4);
        await rig.World.PassAsync(TimeSpan.FromMinutes(1));
        await rig.World.StopAsync();
        Assert.That(rig.World.Records.All.Keys, Does.Contain("uploads.json"));
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 4);
        await rig.World.PassAsync(TimeSpan.FromMinutes(15));

        Assert.That(rig.Deleted, Has.Count.EqualTo(4), "4 of 60 MiB are more than 100 MiB and a tenth of 1 GiB");
    }

    [Test]
    public async Task Space_EnoughAgain_NothingElseGoes()
    {
        await using CleanupWorld rig = new();
        var film = rig.Add("film");
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.IsSynced(film));
        rig.FreeAtFirst = CleanupWorld.MinSpace;
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));

        Assert.That(rig.Deleted, Is.Empty);
    }
}
