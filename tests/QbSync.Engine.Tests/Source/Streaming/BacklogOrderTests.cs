using QbSync.Engine.Source.Streaming;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Streaming;

[TestFixture]
internal sealed class BacklogOrderTests
{
    private const int PieceLength = 16384;
    private static readonly DateTimeOffset Day = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [TestCase(BacklogOrder.FinishFirst, "dbace")]
    [TestCase(BacklogOrder.Oldest, "ecabd")]
    [TestCase(BacklogOrder.Newest, "dbace")]
    [TestCase(BacklogOrder.Smallest, "bdace")]
    [TestCase(BacklogOrder.Fair, "abcde")]
    [SourceCase(22)]
    public void Sort_ByEachOrder_PutsTheRightOneFirst(BacklogOrder order, string expected)
    {
        BacklogEntry[] entries =
        [
            new(Stream("a"), 30, 300, Day),
            new(Stream("b"), 20, 100, Day.AddHours(1)),
            new(Stream("c"), 30, 300, Day.AddHours(-1)),
            new(Stream("d"), 10, 200, Day.AddHours(2)),
            new(Stream("e"), 40, 400, null),
        ];
        var names = entries.ToDictionary(static entry => entry.Stream, static entry => entry.Stream.Layout.Manifest.Name);
        Assert.That(string.Concat(BacklogEntry.Sort(entries, order).Select(stream => names[stream])), Is.EqualTo(expected));
    }

    [Test]
    [SourceCase(22)]
    public void Fair_TenTorrentsOfDifferentPieces_GetAboutAsManyBytes()
    {
        var scheduler = new StreamScheduler(new CapacityHold(), isFair: true);
        var backlog = Enumerable.Range(0, 10).Select(i => Stream($"t{i}", 4000, PieceLength << (i % 3))).ToArray();
        scheduler.Replace([], backlog);
        var bytes = backlog.ToDictionary(static stream => stream, static _ => 0L);
        var turns = 0;
        while (bytes.Values.Sum() < 400L << 20)
        {
            Assert.That(scheduler.TryNext(default, out var job), Is.True);
            bytes[job.Stream] += job.Stream.Layout.Manifest.PieceLength;
            if (turns++ % 97 == 0)
            {
                scheduler.Replace([], [.. backlog]); // the loop makes the list anew all the time
            }
        }

        Assert.That(bytes.Values.Max(), Is.LessThanOrEqualTo(1.5 * bytes.Values.Min()));
    }

    [TestCase(16384)]
    [TestCase(262_144)]
    [SourceCase(22)]
    public void Fair_TenEqualTorrents_OverAMinuteOfASlowLink_GetAboutAsManyBytes(int pieceLength)
    {
        var scheduler = new StreamScheduler(new CapacityHold(), isFair: true);
        var backlog = Enumerable.Range(0, 10).Select(i => Stream($"t{i}", 4000, pieceLength)).ToArray();
        scheduler.Replace([], backlog);
        var bytes = backlog.ToDictionary(static stream => stream, static _ => 0L);
        var minute = 60L * (700 << 10);
        while (bytes.Values.Sum() < minute)
        {
            Assert.That(scheduler.TryNext(default, out var job), Is.True);
            bytes[job.Stream] += pieceLength;
        }

        Assert.That(bytes.Values.Max(), Is.LessThanOrEqualTo(1.5 * bytes.Values.Min()));
    }

    [Test]
    public void Fair_TheOneWhoseTurnItIsLeaves_TheNextGoesOn()
    {
        var scheduler = new StreamScheduler(new CapacityHold(), isFair: true);
        PieceStream[] backlog = [Stream("a"), Stream("b"), Stream("c")];
        scheduler.Replace([], backlog);
        Assert.That(scheduler.TryNext(default, out var first), Is.True);
        scheduler.Replace([], [.. backlog.Where(stream => stream != first.Stream)]);
        Assert.That(scheduler.TryNext(default, out var next), Is.True);
        Assert.That(next.Stream, Is.Not.SameAs(first.Stream));
    }

    [Test]
    [SourceCase(24)]
    public void Neglected_BehindAnEndlessRowOfSmallerOnes_GetsAQuantumEachMinuteAfterTen()
    {
        var scheduler = new StreamScheduler(new CapacityHold());
        var large = Stream("large", 4000, 1 << 20);
        var sent = new List<TimeSpan>();
        var now = TimeSpan.Zero;
        for (var i = 0; now < TimeSpan.FromMinutes(13); i++)
        {
            // A new small one is always there before it.
            scheduler.Replace([], [Stream($"small{i}", 1), large]);
            while (scheduler.TryNext(now, out var job) && job.Stream == large)
            {
                sent.Add(now);
            }

            now += TimeSpan.FromSeconds(1);
        }

        Assert.That(sent[0], Is.InRange(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(11)));
        Assert.That(sent, Has.Count.EqualTo(12), "4 MiB in each of three minutes");
    }

    [Test]
    public void MaxActive_LetsNoOtherBegin_UntilOneIsAnswered()
    {
        var scheduler = new StreamScheduler(new CapacityHold(), maxActive: 2);
        PieceStream[] backlog = [Stream("a", 1), Stream("b", 1), Stream("c", 1)];
        PieceStream live = Stream("d", 1);
        scheduler.Replace([live], backlog);
        Assert.That(scheduler.TryNext(default, out var first), Is.True);
        Assert.That(scheduler.TryNext(default, out var second), Is.True);
        Assert.That(scheduler.TryNext(default, out _), Is.False, "two have pieces out");
        Assert.That(first.Stream.Table.TryRead(first.Piece, first.Attempt) && first.Stream.Table.TryLaunch(first.Piece, first.Attempt, 1), Is.True);
        first.Stream.Table.Accept(first.Piece, first.Attempt);
        Assert.That(scheduler.TryNext(default, out var third), Is.True);
        Assert.That(new[] { first.Stream, second.Stream }, Does.Not.Contain(third.Stream));
    }

    /// <summary>Its pieces are never read, so that any hashes do.</summary>
    private static PieceStream Stream(string name, int pieces = 3, int pieceLength = PieceLength)
    {
        var info = new BencodeMap
        {
            { "name", name }, { "length", (long)pieces * pieceLength }, { "piece length", pieceLength }, { "pieces", new byte[20 * pieces] },
        };
        var manifest = TorrentManifest.Parse(BencodeWriter.Write(new BencodeMap { { "info", info } }));
        var stream = new PieceStream(manifest.Id, new PieceLayout(manifest, Selection.All(manifest)), new ContentLocation(manifest, ["/data"], [], []));
        var all = new PieceBitmap(pieces);
        all.SetAll();
        stream.Table.ApplyClient(all);
        stream.Give(new StreamGrant(1, 1, 1));
        return stream;
    }
}
