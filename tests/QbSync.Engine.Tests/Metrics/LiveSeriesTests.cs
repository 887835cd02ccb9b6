using QbSync.Engine.Tests.Source.World;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Engine.Tests.Metrics;

/// <summary>Series of torrents under way, as a whole source shows them.</summary>
[TestFixture]
internal sealed class LiveSeriesTests
{
    private const int Piece = 16384;
    private const string Pending = "qbsync_oldest_pending_sync_seconds";
    private const string Pieces = "qbsync_torrent_pieces";
    private const string Streamed = "qbsync_torrent_pieces_streamed";

    [Test]
    [MetricCase("G11")]
    public async Task Pending_IsSinceItWasSeenHere_OverARestart_AndGoneAtOnceWithTheSync()
    {
        await using var world = new SourceWorld();
        var free = new TaskCompletionSource();
        world.Destination.FinalizeGate = free.Task.WaitAsync;
        var old = world.Client.Add(SourceWorld.Torrent("old", seed: 1));
        old.AddedAt = world.Time.GetUtcNow().AddYears(-1);
        var silent = world.Client.Add(SourceWorld.Torrent("silent", seed: 2));
        silent.TellsCompletion = false;
        var part = world.Client.Add(SourceWorld.Torrent("part", seed: 3), complete: false);
        part.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(old.Torrent.Id) == "Finalizing" && world.StateOf(silent.Torrent.Id) == "Finalizing"
            && world.Progress(part.Torrent.Id)?.PiecesDone == 1);
        await world.PassAsync(TimeSpan.FromSeconds(60));
        await AssertAgesAsync(TimeSpan.FromSeconds(60));

        await world.StopAsync();
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(old.Torrent.Id) == "Finalizing" && world.StateOf(silent.Torrent.Id) == "Finalizing");
        await world.PassAsync(TimeSpan.FromSeconds(10));
        await AssertAgesAsync(TimeSpan.FromSeconds(70));

        free.SetResult();
        await world.PassUntilAsync(() => world.IsSynced(old) && world.IsSynced(silent));
        var seen = await world.ReadMetricsAsync();
        Assert.That(seen.Has(Pending), Is.False);
        Assert.That(seen.Find(Streamed).Count(), Is.EqualTo(3), "the rest of its series stays a while");
        Assert.That(seen.Sum("qbsync_torrent_sync_latency_seconds_bucket", ("le", "60")), Is.Zero);
        Assert.That(seen.Sum("qbsync_torrent_sync_latency_seconds_bucket", ("le", "300")), Is.EqualTo(2));

        async Task AssertAgesAsync(TimeSpan least)
        {
            var scrape = await world.ReadMetricsAsync();
            foreach (var torrent in new[] { old, silent })
            {
                var since = (await world.RecordOfAsync(torrent.Torrent.Id))!.FirstSeen;
                var age = world.Engine.Status.At - since;
                Assert.That(scrape.Sum(Pending, ("hash", $"{torrent.Torrent.Id}")), Is.EqualTo(age.TotalSeconds).Within(0.001), torrent.Name);
                Assert.That(age, Is.GreaterThanOrEqualTo(least - TimeSpan.FromSeconds(5)).And.LessThan(TimeSpan.FromDays(1)), "a year ago is no wait");
            }

            Assert.That(scrape.Find(Pending).Count(), Is.EqualTo(2), "what downloads waits for nothing");
        }
    }

    [Test]
    [MetricCase("G12"), MetricCase("G14"), MetricCase("A05")]
    public async Task Selection_OfOneFileOfThree_IsWhatCounts_AndARenameSplitsNoSeries()
    {
        await using var world = new SourceWorld();
        var built = new TorrentBuilder("set") { PieceLength = Piece }.AddFile("a", 40 * Piece).AddFile("b", 30 * Piece).AddFile("c", 30 * Piece).Build();
        Assert.That(built.Manifest.PieceCount, Is.EqualTo(100));
        var torrent = world.Client.Add(built, complete: false);
        torrent.Unselected.UnionWith([1, 2]);
        SetFirst(torrent, 30);
        world.Start();
        await world.PassUntilAsync(() => world.Progress(built.Id)?.PiecesDone == 30);
        await AssertOneSeriesAsync(30);

        world.Client.Change(() => torrent.Name = "another name");
        await world.PassAsync(TimeSpan.FromMinutes(1));
        world.Client.Change(() => SetFirst(torrent, 36));
        await world.PassUntilAsync(() => world.Progress(built.Id)?.PiecesDone == 36);
        await AssertOneSeriesAsync(36);

        async Task AssertOneSeriesAsync(int done)
        {
            var seen = await world.ReadMetricsAsync();
            Assert.That(One(seen, Pieces), Is.EqualTo(40));
            Assert.That(One(seen, Streamed), Is.EqualTo(done));
            Assert.That(One(seen, "qbsync_torrent_size_bytes"), Is.EqualTo(40 * Piece));
            Assert.That(One(seen, "qbsync_torrent_progress_ratio"), Is.EqualTo(done / 40.0));
        }

        double One(Exposition seen, string family)
        {
            var sample = seen.Find(family).Single();
            Assert.That((sample.Labels["hash"], sample.Labels["name"]), Is.EqualTo(($"{built.Id}", "set")));
            return sample.Value;
        }
    }

    [Test]
    [MetricCase("G13"), MetricCase("G12")]
    public async Task Streamed_IsWhatTheDestinationHolds_NotWhatIsInFlight_AndFallsWithALoss()
    {
        await using var world = new SourceWorld();
        var built = SourceWorld.Torrent("film", pieces: 20);
        var there = new HeldTorrent(built.Manifest, QbSync.Torrents.Selection.All(built.Manifest).ToBytes());
        for (var piece = 0; piece < 10; piece++)
        {
            there.Have.Set(piece);
        }

        world.Destination.Hold(there);
        var torrent = world.Client.Add(built, complete: false);
        SetFirst(torrent, 15);
        world.Start();
        await world.PassUntilAsync(() => Read(Streamed) == 15);
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(5), "ten are linked there");

        world.Destination.Link.HoldsAcks = true;
        world.Client.Change(() => SetFirst(torrent, 17));
        await world.PassUntilAsync(() => world.Destination.Link.Held == 2);
        await world.PassAsync(TimeSpan.FromSeconds(10));
        Assert.That((Read(Streamed), Read(Pieces)), Is.EqualTo((15.0, 20.0)), "two are in flight");

        // A crash there loses five that were told as held, and with the streams what was in flight.
        world.Destination.Restart(static (_, piece) => piece < 10);
        await world.PassUntilAsync(() => Read(Streamed) == 10);

        world.Destination.Link.HoldsAcks = false;
        world.Destination.Link.Release();
        world.Client.Change(() => torrent.Has.SetAll());
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That((Read(Streamed), Read(Pieces)), Is.EqualTo((20.0, 20.0)));

        await world.PassAsync(TimeSpan.FromSeconds(70));
        Assert.That((await world.ReadMetricsAsync()).Has(Pieces), Is.False, "gone a minute after the sync");

        double Read(string family) => world.ReadMetricsAsync().GetAwaiter().GetResult().Sum(family);
    }

    private static void SetFirst(ScriptedTorrent torrent, int count)
    {
        for (var piece = 0; piece < count; piece++)
        {
            torrent.Has.Set(piece);
        }
    }
}
