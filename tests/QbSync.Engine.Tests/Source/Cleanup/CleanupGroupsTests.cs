using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Source.Cleanup;

/// <summary>Whole source engines on virtual time: what leaves together, and what stays for whose sake.</summary>
[TestFixture]
internal sealed class CleanupGroupsTests
{
    [Test, SourceCase(104)]
    public async Task SharedPath_OtherMayNotGo_NothingIsDeleted()
    {
        await using CleanupWorld rig = new(static options => options.Handoff.ExcludeCleanupTag = "keep");
        var tags = new Dictionary<string, string[]>
        {
            ["downloading"] = [],
            ["unsynced"] = [],
            ["excluded"] = ["no-sync"],
            ["failed"] = ["sync-failed"],
            ["refused"] = ["keep"],
        };
        List<ScriptedTorrent> films = [];
        foreach (var (name, own) in tags)
        {
            films.Add(rig.Add(name, 300 * CleanupWorld.MiB));
            rig.Add(name, held: name == "refused", complete: name != "downloading").Tags.UnionWith(own);
        }

        rig.Add("alone", 10 * CleanupWorld.MiB);
        rig.World.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.PathConflict));
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count > 0);
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));

        Assert.That(rig.Deleted, Is.EqualTo(new[] { "alone" }));
        Assert.That(tags.Keys.Select(static name => $"/data/{name}").Where(rig.Disk.Exists), Has.Exactly(5).Items);
        Assert.That(films.Where(rig.IsActive), Has.Exactly(5).Items);
        Assert.That(rig.World.Log.Entries.Any(static entry => entry.Id.Name == "NothingMayGo"), Is.True, "and somebody is told");
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

    [Test, SourceCase(108)]
    public async Task Index_SomethingIsNotKnown_NoPass()
    {
        await using CleanupWorld rig = new();
        rig.Add("film", 900 * CleanupWorld.MiB);
        var other = rig.Add("other", held: false, complete: false);
        other.FilesFault = true;
        rig.World.Start();
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(rig.Deleted, Is.Empty, "the client does not tell its files");

        rig.Disk.Unreadable["/data/other"] = true;
        other.FilesFault = false;
        await rig.World.PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(rig.Deleted, Is.Empty, "the disk does not tell what is there");

        rig.Disk.Unreadable.Clear();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 1);
    }

    [Test, SourceCase(108)]
    public async Task Index_AThousandTorrents_AtMostTwoFilesCallsASecond()
    {
        await using CleanupWorld rig = new();
        rig.World.Destination.SetDown(true); // so that nothing but the index asks for files
        ScriptedTorrent[] torrents = [.. Enumerable.Range(0, 1000).Select(i => rig.Add($"film{i:d4}", held: false))];
        rig.World.Start();
        await rig.World.PassUntilAsync(() => torrents.Any(static torrent => torrent.FilesCalls > 0));
        var (began, before) = (rig.World.Time.GetUtcNow(), torrents.Sum(static torrent => torrent.FilesCalls));
        await rig.World.PassAsync(TimeSpan.FromMinutes(5));
        var (seconds, calls) = ((rig.World.Time.GetUtcNow() - began).TotalSeconds, torrents.Sum(static torrent => torrent.FilesCalls) - before);

        Assert.That(calls, Is.LessThanOrEqualTo((2 * seconds) + 1));
        Assert.That(torrents.Max(static torrent => torrent.FilesCalls), Is.EqualTo(1), "nobody twice");
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
