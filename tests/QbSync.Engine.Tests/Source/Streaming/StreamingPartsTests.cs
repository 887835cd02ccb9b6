using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Tests.Source.World;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Streaming;

[TestFixture]
internal sealed class StreamingPartsTests
{
    [TestCase(TorrentVersion.V1)]
    [TestCase(TorrentVersion.V2)]
    [TestCase(TorrentVersion.Hybrid)]
    [SourceCase(49)]
    public void RunningHash_OverEveryPiece_MatchesAndNoticesAChange(TorrentVersion version)
    {
        var torrent = new TorrentBuilder("hashes") { PieceLength = 65536, Version = version }.AddFile("a", 150_000).AddFile("b", 20_001).Build();
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            var bytes = torrent.ReadPiece(piece);
            Assert.That(Matches(torrent, piece, bytes), Is.True, $"piece {piece}");
            bytes[0] ^= 1;
            Assert.That(Matches(torrent, piece, bytes), Is.False, $"piece {piece} changed");
        }
    }

    [Test]
    public void Scheduler_LiveAndBacklog_ShareByBytes()
    {
        var scheduler = new StreamScheduler(new CapacityHold());
        var live = Stream("live", 400, seed: 1);
        var backlog = Stream("backlog", 400, seed: 2);
        scheduler.Replace([live], [backlog]);
        var counts = new Dictionary<PieceStream, int> { [live] = 0, [backlog] = 0 };
        for (var i = 0; i < 400; i++)
        {
            Assert.That(scheduler.TryNext(default, out var job), Is.True);
            counts[job.Stream]++;
        }

        Assert.That(counts[live], Is.InRange(190, 210));
    }

    [Test]
    public void Scheduler_TorrentsThatDownload_TakeTurns()
    {
        var scheduler = new StreamScheduler(new CapacityHold());
        PieceStream[] live = [Stream("a", 90, 1), Stream("b", 90, 2), Stream("c", 90, 3)];
        scheduler.Replace(live, []);
        var order = Enumerable.Range(0, 9).Select(_ => scheduler.TryNext(default, out var job) ? Array.IndexOf(live, job.Stream) : -1).ToList();

        Assert.That(order, Is.EqualTo([0, 1, 2, 0, 1, 2, 0, 1, 2]));
    }

    [Test]
    public void Scheduler_Backlog_GivesTheNextOnlyWhatTheFirstCannotUse()
    {
        var scheduler = new StreamScheduler(new CapacityHold());
        PieceStream[] backlog = [Stream("a", 3, 1), Stream("b", 3, 2)];
        scheduler.Replace([], backlog);
        var order = Enumerable.Range(0, 7).Select(_ => scheduler.TryNext(default, out var job) ? Array.IndexOf(backlog, job.Stream) : -1).ToList();

        Assert.That(order, Is.EqualTo([0, 0, 0, 1, 1, 1, -1]));
    }

    [Test]
    public void Scheduler_WithoutGrantFrozenOrPaused_GivesNothing()
    {
        var scheduler = new StreamScheduler(new CapacityHold());
        var stream = Stream("a", 3, 1);
        scheduler.Replace([stream], []);
        stream.IsFrozen = true;
        Assert.That(scheduler.TryNext(default, out _), Is.False);
        stream.IsFrozen = false;
        stream.Pause(default, TimeSpan.FromSeconds(7));
        Assert.That(scheduler.TryNext(TimeSpan.FromSeconds(6), out _), Is.False);
        Assert.That(scheduler.TryNext(TimeSpan.FromSeconds(8), out _), Is.True);
        stream.VoidGrant();
        Assert.That(scheduler.TryNext(TimeSpan.FromSeconds(8), out _), Is.False);
    }

    [Test]
    public void CapacityHold_AfterARefusal_LetsOnePieceTryAndGrowsItsPause()
    {
        var capacity = new CapacityHold();
        var now = TimeSpan.Zero;
        capacity.Refused(now, TimeSpan.FromSeconds(5));
        capacity.Refused(now, TimeSpan.FromSeconds(5));
        Assert.That(capacity.TryEnter(TimeSpan.FromSeconds(4)), Is.False);
        Assert.That(capacity.TryEnter(TimeSpan.FromSeconds(5)), Is.True);
        Assert.That(capacity.TryEnter(TimeSpan.FromSeconds(5)), Is.False, "one at a time");
        capacity.Refused(TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(5));
        Assert.That(capacity.TryEnter(TimeSpan.FromSeconds(15)), Is.False);
        Assert.That(capacity.TryEnter(TimeSpan.FromSeconds(16)), Is.True);
        capacity.Taken(TimeSpan.FromSeconds(17));
        Assert.That(capacity.IsFull, Is.False);
    }

    [Test]
    public async Task ReadAhead_NeverGivesMoreThanItHas_AndServesInOrder()
    {
        var budget = new ReadAheadBudget(100);
        await budget.ReserveAsync(80, default);
        var large = budget.ReserveAsync(60, default).AsTask();
        var small = budget.ReserveAsync(10, default).AsTask();
        Assert.That(small.IsCompleted, Is.False, "a small one does not overtake a large one for ever");
        budget.Release(80);
        await Task.WhenAll(large, small).DefaultTimeout();
        Assert.That(budget.Free, Is.EqualTo(30));
    }

    [Test]
    public async Task ReadAhead_CancelledWaiter_LetsTheNextGo()
    {
        var budget = new ReadAheadBudget(100);
        await budget.ReserveAsync(50, default);
        using var cancel = new CancellationTokenSource();
        var large = budget.ReserveAsync(60, cancel.Token).AsTask();
        var small = budget.ReserveAsync(10, default).AsTask();

        await cancel.CancelAsync();

        Assert.That(async () => await large, Throws.InstanceOf<OperationCanceledException>());
        await small.DefaultTimeout();
        Assert.That(budget.Free, Is.EqualTo(40));
    }

    [Test]
    public void RateMeter_OverTenSeconds_IsTheMean()
    {
        var meter = new RateMeter();
        for (var second = 0; second < 10; second++)
        {
            meter.Add(TimeSpan.FromSeconds(second), 1000);
        }

        Assert.That(meter.Rate(TimeSpan.FromSeconds(10)), Is.EqualTo(1000));
        Assert.That(meter.Rate(TimeSpan.FromSeconds(21)), Is.Zero);
    }

    private static bool Matches(BuiltTorrent torrent, int piece, byte[] bytes)
    {
        using var hash = new RunningPieceHash(torrent.Manifest.GetPieceHash(piece), bytes.Length);
        foreach (var (offset, length) in PieceRanges.Of(new PieceLayout(torrent.Manifest, Selection.All(torrent.Manifest)), piece, []))
        {
            for (var at = offset; at < offset + length; at += 10_000)
            {
                Assert.That(hash.Append(at, bytes.AsSpan(at, Math.Min(10_000, offset + length - at))), Is.True);
            }
        }

        return hash.Matches();
    }

    private static PieceStream Stream(string name, int pieces, int seed)
    {
        var manifest = SourceWorld.Torrent(name, pieces, seed).Manifest;
        var layout = new PieceLayout(manifest, Selection.All(manifest));
        var stream = new PieceStream(manifest.Id, layout, new ContentLocation(manifest, ["/data"], [], []));
        var all = new PieceBitmap(pieces);
        all.SetAll();
        stream.Table.ApplyClient(all);
        stream.Give(new StreamGrant(1, 1, 1));
        return stream;
    }
}
