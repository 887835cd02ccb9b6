using QbSync.Engine.Status;
using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Source.Cleanup;

/// <summary>Whole source engines on virtual time: what leaves together, and what stays for whose sake.</summary>
[TestFixture]
internal sealed class CleanupGroupsTests
{
    [TestCase("downloading"), TestCase("excluded"), TestCase("failed"), TestCase("unsynced"), TestCase("refused")]
    [SourceCase(104)]
    public async Task SharedPath_OtherMayNotGo_NothingIsDeleted(string other)
    {
        await using CleanupWorld rig = new();
        var film = rig.Add("film", 900 * CleanupWorld.MiB);
        var sibling = rig.Add("film", held: other == "refused", complete: other != "downloading");
        var alone = rig.Add("alone", 10 * CleanupWorld.MiB);
        rig.Client.Change(() => sibling.Tags.UnionWith(other switch { "excluded" => ["no-sync"], "failed" => ["sync-failed"], _ => Array.Empty<string>() }));
        if (other == "unsynced")
        {
            rig.World.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.PathConflict));
        }

        if (other == "refused")
        {
            rig.World.Options.Handoff.ExcludeCleanupTag = "keep";
            rig.Client.Change(() => sibling.Tags.Add("keep"));
        }

        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count > 0);
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(rig.Deleted, Is.EqualTo(new[] { "alone" }));
        Assert.That(rig.Disk.Exists("/data/film"), Is.True);
        Assert.That(rig.IsActive(film), Is.True);
        Assert.That(rig.World.Log.Entries.Any(static entry => entry.Id.Name == "NothingMayGo"), Is.True, "and somebody is told");
        Assert.That(alone.IsStopped, Is.True);
    }

    [Test, SourceCase(105)]
    public async Task PartlySharedSets_AllProven_AllFilesGoAndNoneEarly()
    {
        await using CleanupWorld rig = new();
        var first = rig.Add(Set(1, "a", "b"));
        var second = rig.Add(Set(2, "b", "c"));
        rig.OnDelete = _ => Assert.That(
            new[] { first, second }.Select(torrent => rig.World.Destination.Find(torrent.Torrent.Id)!.IsActive), Has.All.True, "proven before the first goes");
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 2);

        Assert.That(CleanupWorld.PathsOf(first.Torrent).Concat(CleanupWorld.PathsOf(second.Torrent)).Where(rig.Disk.Exists), Is.Empty);
        Assert.That(rig.Client.Deleted.Select(static deleted => deleted.WithFiles), Has.All.True);
        await rig.World.PassUntilAsync(() => rig.World.StateOf(second.Torrent.Id) == "HandedOff");
        Assert.That(await rig.ScrapeAsync("qbsync_cleanup_groups_total{result=\"success\"}"), Is.EqualTo(1));
    }

    [Test, SourceCase(106)]
    public async Task Hardlinks_SiblingsLeaveTogether_OneLinkedElsewhereStays()
    {
        await using CleanupWorld rig = new();
        var linked = rig.Add("a-linked-elsewhere", 900 * CleanupWorld.MiB);
        rig.Disk.LinkElsewhere("/data/a-linked-elsewhere");
        rig.Add("b", 700 * CleanupWorld.MiB);
        rig.Add("c", sameFileAs: "/data/b");
        var alone = rig.Add("d");
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 2);
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(rig.Deleted, Is.EquivalentTo(new[] { "b", "c" }), "they free enough, so the unrelated one stays");
        Assert.That(rig.IsActive(linked) && rig.IsActive(alone), Is.True);
    }

    [Test, SourceCase(106)]
    public async Task Hardlinks_SiblingMayNotGo_UnderPressureAllStay()
    {
        await using CleanupWorld rig = new(static options => options.Handoff.ExcludeCleanupTag = "keep");
        rig.Add("b", 700 * CleanupWorld.MiB);
        var kept = rig.Add("c", sameFileAs: "/data/b");
        rig.Client.Change(() => kept.Tags.Add("keep"));
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.Log.Entries.Any(static entry => entry.Id.Name == "NothingMayGo"));
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(rig.Deleted, Is.Empty);
        Assert.That(await rig.ScrapeAsync("qbsync_deletable_bytes"), Is.Zero);
    }

    [Test, SourceCase(107)]
    public async Task SharedPath_AppearsBetweenProofAndDelete_FilesStay()
    {
        await using CleanupWorld rig = new();
        var film = rig.Add("film", 2048 * CleanupWorld.MiB);
        ScriptedTorrent? late = null;
        rig.World.Destination.After = call =>
        {
            if (call == "there.prove" && film.IsStopped)
            {
                late ??= rig.Add("film", held: false);
            }

            return default;
        };
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count > 0);

        Assert.That(rig.Client.Deleted, Is.EqualTo(new[] { (film.Id, false) }), "its entry goes, its files do not");
        Assert.That(rig.Disk.Exists("/data/film"), Is.True);
        Assert.That(rig.Client.Has(late!), Is.True);
    }

    [TestCase("files call"), TestCase("stat")]
    [SourceCase(108)]
    public async Task Index_SomethingIsNotKnown_NoPass(string what)
    {
        await using CleanupWorld rig = new();
        rig.Add("film", 900 * CleanupWorld.MiB);
        var other = rig.Add("other", held: false, complete: false);
        var before = rig.Client.Before;
        if (what == "stat")
        {
            rig.Disk.Unreadable["/data/other"] = true;
        }
        else
        {
            other.FilesFault = true;
        }

        rig.World.Start();
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(rig.Deleted, Is.Empty);

        rig.Disk.Unreadable.Clear();
        other.FilesFault = false;
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 1);
    }

    [Test, SourceCase(108)]
    public async Task Index_AThousandTorrents_AtMostTwoFilesCallsASecond()
    {
        await using CleanupWorld rig = new();
        rig.World.Destination.SetDown(true);
        ScriptedTorrent[] torrents = [.. Enumerable.Range(0, 1000).Select(i => rig.Add($"film{i:d4}", held: false))];
        rig.World.Start();
        await rig.World.PassUntilAsync(() => torrents.Any(static torrent => torrent.FilesCalls > 0));
        var (began, before) = (rig.World.Time.GetUtcNow(), torrents.Sum(static torrent => torrent.FilesCalls));
        await rig.World.PassUntilAsync(() => Array.TrueForAll(torrents, static torrent => torrent.FilesCalls > 0));
        var (seconds, calls) = ((rig.World.Time.GetUtcNow() - began).TotalSeconds, torrents.Sum(static torrent => torrent.FilesCalls) - before);

        Assert.That(calls / seconds, Is.LessThanOrEqualTo(2.05));
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));
        Assert.That(torrents.Max(static torrent => torrent.FilesCalls), Is.EqualTo(1), "it is not asked for again soon");
    }

    private static BuiltTorrent Set(int seed, params string[] files)
    {
        TorrentBuilder builder = new("set") { PieceLength = 16384, Seed = seed };
        foreach (var file in files)
        {
            builder.AddFile(file, 20_000);
        }

        return builder.Build();
    }
}
