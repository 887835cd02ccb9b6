using QbSync.Engine.Tests.Source.World;
using QbSync.Storage;
using QbSync.Storage.Pieces;
using QbSync.Testing.Clients;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>Which files are wanted changes at any time, and shows in no number or late.</summary>
[TestFixture]
internal sealed class SourceSelectionTests
{
    private const int Piece = 16384;

    [Test, SourceCase(66)]
    public async Task PartFile_WhoseTableComesTwoMinutesLate_IsWaitedForWithoutAStrike()
    {
        using var folder = new TempDirectory();
        await using var world = new SourceWorld();
        using var reader = MakeReader(world, folder);
        var (torrent, path, whole) = await AddWithEmptyPartFileAsync(world, folder);
        var built = torrent.Torrent;
        world.Start();
        await world.PassUntilAsync(() => world.Progress(built.Id)?.PiecesDone == 1);

        await world.PassAsync(TimeSpan.FromMinutes(2));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(1), "a boundary piece goes whole or not at all");
        await File.WriteAllBytesAsync(path, whole);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddYears(60));
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Find(built.Id)!.Have[1], Is.True);
        Assert.That(world.Log.Entries, Has.None.Property("Id").Property("Name").EqualTo("Strike"));
    }

    [Test, SourceCase(53)]
    public async Task PartFile_WhoseTableNeverComes_IsAStrikeAfterTenMinutes()
    {
        using var folder = new TempDirectory();
        await using var world = new SourceWorld();
        using var reader = MakeReader(world, folder);
        var (torrent, _, _) = await AddWithEmptyPartFileAsync(world, folder);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var began = world.Time.GetUtcNow();

        await world.PassUntilAsync(() => world.Log.Entries.Any(static entry => entry.Id.Name == "Strike"));
        Assert.That(world.Time.GetUtcNow() - began, Is.InRange(TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(11)));
    }

    [Test, SourceCase(67)]
    [MetricCase("C41")]
    public async Task FilesAdded_InMidSync_AllArriveAndTheRecordHasThem()
    {
        await using var world = new SourceWorld();
        var torrent = AddSet(world, unselected: 1, complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);

        world.Client.Change(() => torrent.Unselected.Clear());
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.Pieces == 6);
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(6));
        await AssertRecordHasAllAsync(world, torrent);
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_file_selection_resyncs_total 0"), "it was not synced before");
    }

    [Test, SourceCase(67)]
    public async Task FilesAdded_BetweenTheLastAckAndFinalize_AllArriveAndTheRecordHasThem()
    {
        await using var world = new SourceWorld();
        var torrent = AddSet(world, unselected: 1, complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);
        var link = world.Destination.Link!;
        link.HoldsAcks = true;
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => link.Held == 2);

        // No time passes, so that no snapshot tells of it.
        world.Client.Change(() => torrent.Unselected.Clear());
        link.HoldsAcks = false;
        link.Release();
        await Eventually.BecomesTrueAsync(() => world.Destination.Find(torrent.Torrent.Id)!.Have.IsFull);
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(link.Sends, Is.EqualTo(6));
        await AssertRecordHasAllAsync(world, torrent);
    }

    [Test]
    public async Task AllDeselected_AfterSynced_KeepsTheRecordAndSendsNothing()
    {
        await using var world = new SourceWorld();
        var torrent = AddSet(world, unselected: 1);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        var (inits, looks) = (world.Destination.Count("Init"), torrent.FilesCalls);

        world.Client.Change(() => torrent.Unselected.Add(0));
        await world.PassUntilAsync(() => torrent.FilesCalls > looks);
        await world.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(world.IsSynced(torrent), Is.True);
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(3));
    }

    [Test]
    public async Task Reduced_AfterSynced_IsToldThereAndSendsNothing()
    {
        await using var world = new SourceWorld();
        var torrent = AddSet(world);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        world.Client.Change(() => torrent.Unselected.Add(1));
        await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id)!.Layout.Selection.SelectedCount == 1);
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(6));
        Assert.That(await world.ScrapeAsync(), Does.Contain("qbsync_file_selection_resyncs_total 1"));
    }

    [Test]
    public async Task Enlarged_AfterSynced_CountsOnlyTheNewBytes()
    {
        await using var world = new SourceWorld();
        var torrent = AddSet(world, unselected: 1);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(await world.ScrapeAsync(), Does.Contain($"qbsync_torrent_bytes_synced_total{{hash=\"{torrent.Torrent.Id}\",name=\"set\"}} {3 * Piece}"));

        world.Client.Change(() => torrent.Unselected.Clear());
        await world.PassUntilAsync(() => world.IsSynced(torrent) && world.Destination.Find(torrent.Torrent.Id)!.Have.IsFull);

        var text = await world.ScrapeAsync();
        Assert.That(text, Does.Contain($"qbsync_torrent_bytes_synced_total{{hash=\"{torrent.Torrent.Id}\",name=\"set\"}} {6 * Piece}"));
        Assert.That(text, Does.Contain("qbsync_file_selection_resyncs_total 1"));
    }

    [Test, SourceCase(69)]
    public async Task AdoptedWithoutSelection_NoneIsSyncedAgain_ButTheOneThatLacksAFileThere()
    {
        await using var world = new SourceWorld();
        var torrents = Enumerable.Range(1, 20).Select(i => AddSet(world, seed: i)).ToArray();
        world.Start();
        await world.PassUntilAsync(() => torrents.All(world.IsSynced));
        await LoseStateAsync(world);
        world.Destination.TellsSelections = false;
        var inits = world.Destination.Count("Init");

        world.Start();
        await world.PassUntilAsync(() => world.Engine.Status.Torrents.Count == 20 && torrents.All(world.IsSynced));
        await world.PassAsync(TimeSpan.FromHours(3));
        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits), "nothing is concluded from what is not known");
        Assert.That(world.Destination.Link!.Sends, Is.Zero);

        var poor = world.Destination.Find(torrents[7].Torrent.Id)!;
        world.Client.Change(() =>
        {
            poor.Selection = Selection.Of(poor.Manifest, file => file.Index == 0).ToBytes();
            Enumerable.Range(3, 3).ToList().ForEach(piece => poor.Have.Clear(piece));
        });
        world.Destination.TellsSelections = true;
        await world.PassUntilAsync(() => poor.Have.IsFull && world.IsSynced(torrents[7]));
        await world.PassAsync(TimeSpan.FromMinutes(5));

        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits + 1));
        Assert.That(world.Destination.Link.Sends, Is.EqualTo(3));
        Assert.That(torrents.All(world.IsSynced), Is.True);
    }

    [Test]
    public async Task AdoptedWithMoreFilesThere_IsNotSyncedAgain_AndProvenByWhatIsThere()
    {
        await using var world = new SourceWorld();
        var torrent = AddSet(world);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await LoseStateAsync(world);
        world.Client.Change(() => torrent.Unselected.Add(1));
        var inits = world.Destination.Count("Init");

        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await world.PassAsync(TimeSpan.FromHours(3));

        Assert.That(world.Destination.Count("Init"), Is.EqualTo(inits));
        var record = await world.RecordOfAsync(torrent.Torrent.Id);
        var all = Selection.All(torrent.Torrent.Manifest);
        Assert.That(record!.Completion!.Selection, Is.EqualTo(all.ToBytes()));
        Assert.That(record.Finalize!.Fingerprint, Is.EqualTo(all.Fingerprint(torrent.Torrent.Id)), "a proof is asked for what is there");
    }

    [Test, SourceCase(70)]
    public async Task EqualFilesSwapped_AfterSynced_IsNoticedWithinTheHour()
    {
        await using var world = new SourceWorld();
        var torrent = AddSet(world, unselected: 1);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        await world.PassAsync(TimeSpan.FromHours(5));
        Assert.That(torrent.ExportCalls, Is.EqualTo(1), "a look at what did not change asks for its files alone");
        Assert.That(torrent.FilesCalls, Is.InRange(5, 10));

        world.Client.Change(() => Swap(torrent));
        await world.PassAsync(TimeSpan.FromMinutes(65));
        await world.PassUntilAsync(() => world.IsSynced(torrent) && world.Destination.Find(torrent.Torrent.Id)!.Layout.Selection.IsSelected(1));

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(6));
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.Layout.Selection.IsSelected(0), Is.False);
    }

    [Test, SourceCase(70)]
    public async Task EqualFilesSwapped_WhileItStreams_IsNoticedWithinTenMinutes()
    {
        await using var world = new SourceWorld();
        var torrent = AddSet(world, unselected: 1, complete: false);
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);

        world.Client.Change(() =>
        {
            Swap(torrent);
            torrent.Has.Set(4);
        });
        await world.PassAsync(TimeSpan.FromMinutes(11));
        await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id)!.Have[4]);

        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(2));
    }

    [Test, SourceCase(70)]
    public async Task EqualFilesSwapped_BeforeADelete_IsNoticedAndSyncedFirst()
    {
        await using var world = new SourceWorld();
        (world.Options.Handoff.Mode, world.Options.Handoff.MinSeedingTime) = (HandoffMode.Seeded, TimeSpan.FromDays(1));
        var torrent = AddSet(world, unselected: 1);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent) && torrent.Tags.Contains("synced"));

        world.Client.Change(() => Swap(torrent));
        world.Options.Handoff.MinSeedingTime = TimeSpan.Zero;
        await world.PassUntilAsync(() => world.Destination.Find(torrent.Torrent.Id)!.Have.IsFull);

        Assert.That(world.Client.Deleted, Is.Empty, "the files that are wanted now were not there");
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(6));
    }

    [Test]
    public async Task ClientAway_WhenTheLookIsDue_LooksWhenItIsBack()
    {
        await using var world = new SourceWorld();
        var torrent = AddSet(world, unselected: 1);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        world.Client.IsDown = true;
        world.Client.Change(() => torrent.Unselected.Clear());
        await world.PassAsync(TimeSpan.FromHours(2));
        Assert.That(world.IsSynced(torrent), Is.True);

        world.Client.IsDown = false;
        await world.PassUntilAsync(() => world.IsSynced(torrent) && world.Destination.Find(torrent.Torrent.Id)!.Have.IsFull);
    }

    private static ScriptedTorrent AddSet(SourceWorld world, int? unselected = null, bool complete = true, int seed = 1)
    {
        // Two files of three pieces each.
        var built = new TorrentBuilder("set") { PieceLength = Piece, Seed = seed }.AddFile("a", 3 * Piece).AddFile("b", 3 * Piece).Build();
        var torrent = world.Client.Add(built, complete);
        if (unselected is { } file)
        {
            torrent.Unselected.Add(file);
        }

        return torrent;
    }

    private static PieceReader MakeReader(SourceWorld world, TempDirectory folder)
    {
        world.Options.Data = folder.Path;
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var reader = new PieceReader(
            new StorageOptions { DataRoot = folder.Path }, Prometheus.Metrics.WithCustomRegistry(registry), registry, world.Log, world.Time);
        world.Reader = reader;
        return reader;
    }

    /// <summary>A torrent of whose second piece the client keeps a part in its part file, the table of which has no slot yet; what that file will be.</summary>
    private static async Task<(ScriptedTorrent Torrent, string Path, byte[] Whole)> AddWithEmptyPartFileAsync(SourceWorld world, TempDirectory folder)
    {
        var built = new TorrentBuilder("set") { PieceLength = Piece }.AddFile("a", Piece + 5).AddFile("b", 2 * Piece).Build();
        var torrent = world.Client.Add(built);
        torrent.Unselected.Add(1);
        BuiltTorrent.WriteFile(folder.Path, built.Files[0]);
        var whole = PartFileContent.Of(built, [1]);
        var path = folder[$".{built.Id}.parts"];
        await File.WriteAllBytesAsync(path, whole.AsMemory(0, 1024));
        return (torrent, path, whole);
    }

    private static void Swap(ScriptedTorrent torrent)
    {
        torrent.Unselected.Clear();
        torrent.Unselected.Add(0);
    }

    private static async Task LoseStateAsync(SourceWorld world)
    {
        await world.StopAsync();
        foreach (var name in world.Records.All.Keys)
        {
            await world.Records.RemoveAsync(name, default);
        }
    }

    private static async Task AssertRecordHasAllAsync(SourceWorld world, ScriptedTorrent torrent)
    {
        var record = await world.RecordOfAsync(torrent.Torrent.Id);
        Assert.That(record!.Completion!.Selection, Is.EqualTo(Selection.All(torrent.Torrent.Manifest).ToBytes()));
        Assert.That(world.Destination.Find(torrent.Torrent.Id)!.Layout.Selection, Is.EqualTo(Selection.All(torrent.Torrent.Manifest)));
    }
}
