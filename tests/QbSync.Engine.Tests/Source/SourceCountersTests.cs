using QbSync.Engine.Tests.Source.World;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Engine.Tests.Source;

/// <summary>Each of the source's counters is moved by its event, and by nothing that resembles it.</summary>
[TestFixture]
internal sealed class SourceCountersTests
{
    [Test]
    [MetricCase("C27")]
    public async Task Polls_ThatFail_AreCounted_ThoseThatTheBreakerHeldBackAreNot()
    {
        await using var world = new SourceWorld();
        var torrent = world.Client.Add(SourceWorld.Torrent("film"), complete: false);
        torrent.Has.Set(0);
        var (held, polls, pieces) = (5, 1, 1);
        world.ClientTap = (call, _) =>
        {
            if (call == nameof(ITorrentClient.PollAsync) && Interlocked.Decrement(ref held) >= 0)
            {
                throw new TorrentClientException(ClientFault.BreakerOpen, call, "Not sent.");
            }

            if ((call == nameof(ITorrentClient.PollAsync) && Interlocked.Decrement(ref polls) >= 0)
                || (call == nameof(ITorrentClient.GetPiecesAsync) && Interlocked.Decrement(ref pieces) >= 0))
            {
                throw new TorrentClientException(ClientFault.ServerError, call, "The client is busy with itself.");
            }
        };
        world.Start();
        await world.PassUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1);

        Assert.That(new[] { held, polls, pieces }, Is.All.Negative, "each came to its turn");
        Assert.That(await MetricAsync(world, "qbsync_stream_open_errors_total{mode=\"source\"}"), Is.EqualTo(2));
    }

    [Test]
    [MetricCase("C30")]
    public async Task PieceStates_NotAskedFor_AreCountedForEachTickInWhichTheDownloadStoodStill()
    {
        await using var world = new SourceWorld();
        var whole = world.Client.Add(SourceWorld.Torrent("whole", seed: 1));
        var part = world.Client.Add(SourceWorld.Torrent("part", pieces: 40, seed: 2), complete: false);
        part.Has.Set(0);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(whole) && world.Progress(part.Torrent.Id)?.PiecesDone == 1);
        await world.PassAsync(TimeSpan.FromSeconds(30));

        var (polls, asked, skips) = (world.Client.Polls, part.PieceCalls, await SkipsAsync());
        await world.PassUntilAsync(() => world.Client.Polls >= polls + 30);

        // Time stands still from here on: each look either asked or skipped, and the torrent that is complete did neither.
        await Eventually.BecomesTrueAsync(async () => world.Client.Polls - polls == part.PieceCalls - asked + await SkipsAsync() - skips);
        Assert.That(await SkipsAsync() - skips, Is.GreaterThanOrEqualTo(10));
        Assert.That(whole.PieceCalls, Is.Zero);

        Task<double> SkipsAsync() => MetricAsync(world, "qbsync_idle_poll_skips_total");
    }

    [Test]
    [MetricCase("C31")]
    public async Task List_OfACycle_IsReusedByEachConsumerAfterTheFirst()
    {
        await using CleanupWorld rig = new(static options => options.Handoff.DeleteGrace = TimeSpan.FromHours(2));
        var film = rig.Add("film", 2048 * CleanupWorld.MiB);
        var asked = 0;
        rig.World.ClientTap = (call, _) =>
        {
            if (call == nameof(ITorrentClient.GetAsync))
            {
                Interlocked.Increment(ref asked);
            }
        };
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.World.Progress(film.Torrent.Id)?.WaitingFor == Status.WaitingReason.Grace);

        // So slow that each list has found all who read it before the next one comes: the torrents' own look, cleanup, and the handoff that watches its client.
        rig.Client.PollTime = TimeSpan.FromSeconds(100);
        var (calls, hits) = await AtRestAsync(rig.Client.Polls + 2);
        var others = Volatile.Read(ref asked);
        for (var cycle = 1; cycle <= 3; cycle++)
        {
            Assert.That(await AtRestAsync(calls + cycle), Is.EqualTo((calls + cycle, hits + (2.0 * cycle))));
        }

        Assert.That(Volatile.Read(ref asked), Is.EqualTo(others), "nobody asked for what the list says");

        async Task<(int Calls, double Hits)> AtRestAsync(int polls)
        {
            await rig.World.PassUntilAsync(() => rig.Client.Polls == polls);
            await rig.World.PassAsync(TimeSpan.FromSeconds(70));
            return (rig.Client.Polls, await MetricAsync(rig.World, "qbsync_cycle_cache_hits_total"));
        }
    }

    [Test]
    [MetricCase("C31")]
    public async Task List_ThatALastLookBeforeADeleteWaitsFor_IsReused()
    {
        await using CleanupWorld rig = new();
        rig.Add("film", 2048 * CleanupWorld.MiB);
        rig.World.Start();
        await rig.World.PassUntilAsync(() => rig.Deleted.Count == 1);

        Assert.That(await MetricAsync(rig.World, "qbsync_cycle_cache_hits_total"), Is.GreaterThan(rig.Client.Polls), "more than cleanup alone, which reads each list");
    }

    [Test]
    [MetricCase("C03")]
    public async Task Finalization_AnsweredByAFailureOrByNonsense_IsCounted_WaitingIsNot()
    {
        await using var world = new SourceWorld();
        Queue<Func<FinalizeOutcome>> answers = new(
        [
            static () => new FinalizeOutcome.Refused(new Refusal(RefusalReason.ClientUnreachable)),
            static () => new FinalizeOutcome.Refused(new Refusal(RefusalReason.ClientRefused)),
            static () => throw new PeerException(PeerFault.Unreachable, "The line is cut."),
            static () => throw new PeerException(PeerFault.Malformed, "Nonsense."),
            static () => new FinalizeOutcome.Unknown(),
        ]);
        world.Destination.OnFinalize = _ => answers.TryDequeue(out var answer) ? answer() : null;
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));

        Assert.That(answers, Is.Empty);
        Assert.That(await MetricAsync(world, "qbsync_finalization_errors_total{mode=\"source\"}"), Is.EqualTo(2));
    }

    [Test]
    [MetricCase("C21")]
    public async Task Tag_ThatTheClientTakesAndDoesNotShow_IsCountedOnce()
    {
        await using var world = new SourceWorld();
        world.Client.TagsDropped = 1;
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.Unsupported));
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => torrent.Tags.Contains("sync-failed"));

        Assert.That(await MetricAsync(world, "qbsync_tag_application_errors_total{mode=\"source\"}"), Is.EqualTo(1));
    }

    [Test]
    [MetricCase("C44")]
    public async Task Failure_OfATorrent_IsCountedOnce_ARestartOrAnHourWithoutClientAddsNone()
    {
        await using var world = new SourceWorld();
        world.Destination.OnInit = static _ => new InitOutcome.Refused(new Refusal(RefusalReason.Unsupported));
        var torrent = world.Client.Add(SourceWorld.Torrent("film"));
        world.Start();
        await world.PassUntilAsync(() => torrent.Tags.Contains("sync-failed"));
        Assert.That(await MetricAsync(world, "qbsync_sync_failed_total"), Is.EqualTo(1));

        await world.StopAsync();
        world.Start();
        await world.PassUntilAsync(() => world.StateOf(torrent.Torrent.Id) == "Failed");
        world.Client.IsDown = true;
        await world.PassAsync(TimeSpan.FromHours(1));
        world.Client.IsDown = false;
        world.Destination.OnInit = static _ => null;
        world.Client.Change(torrent.Tags.Clear);
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(await MetricAsync(world, "qbsync_sync_failed_total"), Is.Zero);
    }

    [Test]
    [MetricCase("C01")]
    [MetricCase("C02")]
    [MetricCase("C41")]
    public async Task Synced_IsWhatWeBroughtOver_NotWhatWasFoundThere()
    {
        await using var world = new SourceWorld();
        var ours = world.Client.Add(SourceWorld.Torrent("ours"));
        var there = Enumerable.Range(2, 99).Select(static seed => SourceWorld.Torrent($"there {seed}", pieces: 1, seed)).ToArray();
        Array.ForEach(there, world.Destination.Hold);
        ScriptedTorrent[] all = [ours, .. there.Select(torrent => world.Client.Add(torrent))];
        world.Start();
        await world.PassUntilAsync(() => Array.TrueForAll(all, world.IsSynced));

        var text = await world.ScrapeAsync();
        Assert.That(text, Does.Contain($"qbsync_torrents_synced_total{{mode=\"source\",hash=\"{ours.Torrent.Id}\",name=\"ours\"}} 1\n"));
        Assert.That(text, Does.Contain($"qbsync_torrent_bytes_synced_total{{hash=\"{ours.Torrent.Id}\",name=\"ours\"}} {ours.Torrent.Manifest.ContentLength}\n"));
        Assert.That(there.Where(torrent => text.Contains(torrent.Id.ToString(), StringComparison.Ordinal)), Is.Empty, "no series for what was there");

        // Without records nobody knows what was selected before, so nothing has changed.
        await world.StopAsync();
        foreach (var name in world.Records.All.Keys)
        {
            await world.Records.RemoveAsync(name, default);
        }

        world.Start();
        await world.PassUntilAsync(() => Array.TrueForAll(all, world.IsSynced));
        text = await world.ScrapeAsync();
        Assert.That(text, Does.Contain("qbsync_file_selection_resyncs_total 0\n").And.Not.Contain("qbsync_torrents_synced_total{"));
    }

    [Test]
    [MetricCase("C02")]
    [MetricCase("C41")]
    public async Task Selection_Enlarged_IsOneMoreSyncOfTheNewBytes()
    {
        const int Piece = 16384;
        await using var world = new SourceWorld();
        var built = new TorrentBuilder("set") { PieceLength = Piece }.AddFile("a", 2 * Piece).AddFile("b", Piece).AddFile("c", 3 * Piece).Build();
        var torrent = world.Client.Add(built);
        torrent.Unselected.UnionWith([1, 2]);
        world.Start();
        await world.PassUntilAsync(() => world.IsSynced(torrent));
        Assert.That(await ReadAsync(), Is.EqualTo((1.0, 2.0 * Piece, 0.0)));

        world.Client.Change(() => torrent.Unselected.Remove(1));
        await world.PassUntilAsync(() => world.IsSynced(torrent) && world.Destination.Find(built.Id)!.Layout.Selection.SelectedCount == 2);
        await Eventually.BecomesTrueAsync(async () => await ReadAsync() == (2.0, 3.0 * Piece, 1.0));

        async Task<(double Synced, double Bytes, double Resyncs)> ReadAsync() => (
            await MetricAsync(world, $"qbsync_torrents_synced_total{{mode=\"source\",hash=\"{built.Id}\",name=\"set\"}}"),
            await MetricAsync(world, $"qbsync_torrent_bytes_synced_total{{hash=\"{built.Id}\",name=\"set\"}}"),
            await MetricAsync(world, "qbsync_file_selection_resyncs_total"));
    }

    private static async Task<double> MetricAsync(SourceWorld world, string series) => (await world.ScrapeAsync()).Split('\n')
        .Where(line => line.StartsWith(series + " ", StringComparison.Ordinal))
        .Select(static line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture)).SingleOrDefault(double.NaN);
}
