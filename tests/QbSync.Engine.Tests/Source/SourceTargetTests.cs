using System.Collections.Concurrent;
using QbSync.Engine.Tests.Source.World;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>What the source has to reach, on virtual time with the destination 30 ms away.</summary>
[TestFixture]
internal sealed class SourceTargetTests
{
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    [Test]
    [SourceCase(35)]
    public async Task CallsBeforeTheFirstByte_AreOneOfEach_AndAReconnectAsksForNothing()
    {
        await using var world = new SourceWorld();
        var wire = FarAway(world);
        var torrents = Enumerable.Range(1, 10).Select(i => world.Client.Add(SourceWorld.Torrent($"film {i}", seed: i), complete: i % 2 == 0)).ToArray();
        world.Client.Change(() => Array.ForEach(torrents, static torrent => torrent.Has.Set(0)));
        var calls = new ConcurrentDictionary<ClientTorrentId, (int Exports, int Files, int Pieces)>();
        world.ClientTap = (_, _) =>
        {
            foreach (var torrent in torrents)
            {
                if (!wire.FirstBytes.Keys.Any(piece => piece.Torrent == torrent.Torrent.Id))
                {
                    calls[torrent.Id] = (torrent.ExportCalls, torrent.FilesCalls, torrent.PieceCalls);
                }
            }
        };
        world.Start();
        await world.PassUntilAsync(() => torrents.All(torrent => wire.FirstBytes.Keys.Any(piece => piece.Torrent == torrent.Torrent.Id)));
        Assert.That(calls.Values, Has.All.Matches<(int Exports, int Files, int Pieces)>(static call => call is { Exports: <= 1, Files: <= 1, Pieces: <= 1 }));

        world.Destination.SetDown(true);
        await world.PassAsync(TimeSpan.FromSeconds(5));
        world.Destination.SetDown(false);
        world.Client.Change(() => Array.ForEach(torrents, static torrent => torrent.Has.SetAll()));
        await world.PassUntilAsync(() => torrents.All(world.IsSynced));
        Assert.That(world.Destination.Count("InitWithTorrent"), Is.EqualTo(torrents.Length));
        Assert.That(torrents.Select(static torrent => torrent.ExportCalls), Is.All.EqualTo(1));
    }

    [Test]
    [SourceCase(128)]
    public async Task LiveDownload_FromTheClientsWordToTheWire_IsWithinItsTargets()
    {
        const int Pieces = 100;
        await using var world = new SourceWorld();
        var wire = FarAway(world);
        var torrent = world.Client.Add(SourceWorld.Torrent("live", Pieces), complete: false);
        var reported = new Dictionary<int, DateTimeOffset>();
        world.Client.Change(() => torrent.Has.Set(0));
        world.Start();
        await world.PaceUntilAsync(() => world.Progress(torrent.Torrent.Id)?.PiecesDone == 1, Step);

        var piece = 1;
        var began = world.Time.GetUtcNow();
        await world.PaceUntilAsync(() => world.IsSynced(torrent), Step, () =>
        {
            // Ten pieces a second, as a download brings them.
            if (piece < Pieces && (world.Time.GetUtcNow() - began).TotalSeconds * 10 >= piece)
            {
                world.Client.Change(() => torrent.Has.Set(piece));
                reported[piece++] = world.Time.GetUtcNow();
            }
        });

        var lags = reported.Select(entry => (wire.FirstBytes[new PieceRef(torrent.Torrent.Id, entry.Key)] - entry.Value).TotalSeconds).Order().ToArray();
        var (half, most) = (lags[lags.Length / 2], lags[(int)(lags.Length * 0.99)]);
        var end = world.Progress(torrent.Torrent.Id)!;
        var settled = (end.FinishedAt!.Value - end.ArrivedAt!.Value).TotalSeconds;
        var seconds = (end.ArrivedAt!.Value - began).TotalSeconds;
        TestContext.Out.WriteLine(
            $"live: lag p50 {half:0.00} s, p99 {most:0.00} s; {torrent.Torrent.Manifest.ContentLength / seconds / 1024:0} KiB/s; {world.Destination.Link!.Sends - Pieces} pieces resent; last ack to Synced {settled:0.00} s");
        Assert.That(half, Is.GreaterThan(0).And.LessThanOrEqualTo(0.6));
        Assert.That(most, Is.LessThanOrEqualTo(2));
        Assert.That(settled, Is.LessThan(2));
        Assert.That(world.Destination.Link!.Sends, Is.EqualTo(Pieces));
        Assert.That(end.BytesMoved, Is.EqualTo(torrent.Torrent.Manifest.ContentLength));
    }

    [Test]
    [SourceCase(128)]
    public async Task PreDownloaded_OfTwentyFiles_IsSyncedWithinItsTargets()
    {
        await using var world = new SourceWorld();
        FarAway(world);
        var builder = new TorrentBuilder("album") { PieceLength = 32768 };
        for (var i = 0; i < 20; i++)
        {
            builder.AddFile($"{i:d2}.flac", 200_000);
        }

        var torrent = world.Client.Add(builder.Build());
        var began = world.Time.GetUtcNow();
        world.Start();
        await world.PaceUntilAsync(() => world.IsSynced(torrent), Step);

        var end = world.Progress(torrent.Torrent.Id)!;
        var settled = (end.FinishedAt!.Value - end.ArrivedAt!.Value).TotalSeconds;
        var whole = (end.FinishedAt!.Value - began).TotalSeconds;
        TestContext.Out.WriteLine(
            $"pre-downloaded: {torrent.Torrent.Manifest.ContentLength / whole / 1024:0} KiB/s over all, last ack to Synced {settled:0.00} s, first look to Synced {whole:0.00} s");
        Assert.That(settled, Is.LessThan(2));
        Assert.That(whole, Is.GreaterThan(0).And.LessThan(10));
        Assert.That(world.Destination.Link!.MostSendsOfOne, Is.EqualTo(1));
        var text = await world.ScrapeAsync();
        Assert.That(text, Does.Contain("qbsync_torrent_sync_latency_seconds_count 1"));
        Assert.That(text, Does.Contain("qbsync_sync_outcomes_total{mode=\"source\",result=\"success\"} 1"));
    }

    [Test]
    [SourceCase(8)]
    public async Task ThousandCompleteThere_HalfASecondAway_AreSyncedInTenSecondsByFourCalls()
    {
        const int Torrents = 1000;
        await using var world = new SourceWorld();
        world.Options.Sleep = TimeSpan.FromHours(1);
        var wire = new SlowDestination(world.Destination, world.Time);
        wire.SetRoundTrip(TimeSpan.FromMilliseconds(500));
        world.Wire = wire;
        var torrents = Enumerable.Range(1, Torrents).Select(i => world.Client.Add(SourceWorld.Torrent($"film {i}", pieces: 1, seed: i))).ToArray();
        foreach (var torrent in torrents)
        {
            var manifest = torrent.Torrent.Manifest;
            world.Destination.Hold(new HeldTorrent(manifest, Selection.All(manifest).ToBytes()) { State = DestinationTorrentState.Complete });
        }

        DateTimeOffset? first = null;
        var faults = 1;
        world.ClientTap = (method, args) =>
        {
            if (method == nameof(ITorrentClient.PollAsync))
            {
                first ??= world.Time.GetUtcNow();
            }

            if (method == nameof(ITorrentClient.GetManifestAsync) && args[0] is ClientTorrentId id && id == torrents[500].Id && Interlocked.Decrement(ref faults) >= 0)
            {
                throw new TorrentClientException(ClientFault.ServerError, "Export", "The client is busy.");
            }
        };
        world.Start();
        await world.PaceUntilAsync(() => torrents.Count(world.IsSynced) >= Torrents - 1, TimeSpan.FromMilliseconds(100));
        var took = world.Time.GetUtcNow() - first!.Value;
        await world.PaceUntilAsync(() => torrents.All(world.IsSynced), TimeSpan.FromMilliseconds(100));

        TestContext.Out.WriteLine($"{Torrents} complete there at 500 ms: {took.TotalSeconds:0.0} s, {wire.Batches.Count} calls");
        Assert.That(took, Is.LessThanOrEqualTo(TimeSpan.FromSeconds(10)));
        Assert.That(wire.Batches.Order(), Is.EqualTo([Torrents - (3 * 256), 256, 256, 256]));
        Assert.That((world.Destination.Count("Init"), world.Destination.Link?.Sends ?? 0), Is.EqualTo((0, 0)));
    }

    /// <param name="minutes">Of virtual time; what it costs the machine is asserted only in the long run, which has the machine for itself.</param>
    [TestCase(2)]
    [TestCase(10, Category = "Long")]
    [SourceCase(9)]
    public async Task FiveThousandIdleTorrents_CostTheClientAndTheMachineNextToNothing(int minutes)
    {
        const int Torrents = 5000;
        await using var world = new SourceWorld();
        var sample = SourceWorld.Torrent("film", pieces: 1);
        for (var i = 0; i < Torrents; i++)
        {
            // What the user forbids is idle from the start, and stays in the list like all else.
            var torrent = world.Client.Add(Renamed(sample, i));
            torrent.Tags.Add("no-sync");
        }

        var calls = 0;
        world.ClientTap = (method, _) => calls += method is "DescribeAsync" or "get_Availability" ? 0 : 1;
        world.Start();
        await world.PassUntilAsync(() => world.Engine.Status.Torrents.Count == Torrents);
        await world.PassAsync(TimeSpan.FromSeconds(30));
        (var before, calls) = (calls, 0);
        var cpu = Environment.CpuUsage.TotalTime;
        var turns = 0;
        var began = world.Time.GetUtcNow();
        await world.PaceUntilAsync(() => world.Time.GetUtcNow() - began >= TimeSpan.FromMinutes(minutes), TimeSpan.FromSeconds(1), () => turns++);

        // A turn is a second: ticks, a look at the client now and then. The whole process, the test's own work in it, stands for the loop.
        var each = (Environment.CpuUsage.TotalTime - cpu) / turns;
        TestContext.Out.WriteLine($"{Torrents} idle torrents, {minutes} min: {calls} calls, {each.TotalMilliseconds:0.00} ms of CPU a turn, {turns} turns ({before} calls before)");
        Assert.That(calls, Is.LessThanOrEqualTo(2 * 60 * minutes));
        if (minutes >= 10)
        {
            Assert.That(each, Is.LessThanOrEqualTo(TimeSpan.FromMilliseconds(10)), "so that no turn of its loop is longer on the average, and idling costs 1 % of a core");
        }
    }

    private static SlowDestination FarAway(SourceWorld world)
    {
        var wire = new SlowDestination(world.Destination, world.Time);
        wire.SetRoundTrip(RoundTrip);
        world.Wire = wire;
        return wire;
    }

    private static BuiltTorrent Renamed(BuiltTorrent sample, int number) => number == 0 ? sample : SourceWorld.Torrent($"film {number}", pieces: 1, seed: 1);
}
