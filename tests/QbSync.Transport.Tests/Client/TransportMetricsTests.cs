using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Outcomes;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;
using QbSync.Transport.Client;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Client.Pooling;

namespace QbSync.Transport.Tests.Client;

/// <summary>What the transport shows at a scrape, of links that say what a test wants.</summary>
internal sealed class TransportMetricsTests
{
    private readonly FakeTimeProvider _time = new();
    private CollectorRegistry _registry = null!;
    private TransportMetrics _metrics = null!;

    [SetUp]
    public void Begin()
    {
        _registry = Prometheus.Metrics.NewCustomRegistry();
        _metrics = TransportMetrics.ForSource(
            Prometheus.Metrics.WithCustomRegistry(_registry),
            _registry,
            new TransportClientOptions { Address = "localhost:1", MaxConnections = 7, MaxStreamsPerConnection = 3 },
            _time);
    }

    [Test]
    [MetricCase("G02"), MetricCase("G03"), MetricCase("G04"), MetricCase("G05"), MetricCase("G07"), MetricCase("G19"), MetricCase("G20"), MetricCase("A07"), MetricCase("A31"), MetricCase("A32")]
    public async Task Gauges_OfALink_AreAsItSays_AndNothingWhenItIsGone()
    {
        var link = new ShownLink
        {
            OpenStreams = 3,
            InFlightPieces = 4,
            OpenConnections = 2,
            IsScalingPaused = true,
            Window = (12 << 20, 3),
            Connections = [new ConnectionState(1, TimeSpan.FromMilliseconds(30), "bbr")],
        };
        _metrics.AddLink(link);

        var seen = await ScrapeAsync();
        Assert.Multiple(() =>
        {
            Assert.That(seen.Sum("qbsync_stream_pool_size"), Is.EqualTo(3));
            Assert.That(seen.Sum("qbsync_inflight_pieces"), Is.EqualTo(4));
            Assert.That(seen.Sum("qbsync_grpc_connections_active"), Is.EqualTo(2));
            Assert.That(seen.Sum("qbsync_stream_pool_scaling_paused"), Is.EqualTo(1));
            Assert.That(seen.Sum("qbsync_adaptive_window_bytes"), Is.EqualTo(12 << 20));
            Assert.That(seen.Sum("qbsync_adaptive_window_size"), Is.EqualTo(3));
            Assert.That(seen.Sum("qbsync_stream_pool_max_size"), Is.EqualTo(21));
            Assert.That(seen.Sum("qbsync_grpc_connections_configured"), Is.EqualTo(7));
            Assert.That(seen.Sum("qbsync_tcp_smoothed_rtt_seconds", ("connection", "1")), Is.EqualTo(0.03));
            Assert.That(seen.Sum("qbsync_tcp_congestion_info", ("connection", "1"), ("algorithm", "bbr")), Is.EqualTo(1));
        });

        link.Connections = [];
        link.IsScalingPaused = false;
        seen = await ScrapeAsync();
        Assert.That(seen.Has("qbsync_tcp_smoothed_rtt_seconds") || seen.Has("qbsync_tcp_congestion_info"), Is.False, "a free slot has none");
        Assert.That(seen.Sum("qbsync_stream_pool_scaling_paused"), Is.Zero);

        _metrics.RemoveLink(link);
        seen = await ScrapeAsync();
        Assert.That(
            seen.Sum("qbsync_stream_pool_size") + seen.Sum("qbsync_inflight_pieces") + seen.Sum("qbsync_grpc_connections_active")
                + seen.Sum("qbsync_adaptive_window_bytes") + seen.Sum("qbsync_adaptive_window_size"),
            Is.Zero);
    }

    [Test]
    [MetricCase("G08")]
    public async Task Throughput_IsTheSameForTwoScrapers_AndEndsWithTheSilence()
    {
        for (var second = 0; second < 10; second++)
        {
            _metrics.PieceAcked(TimeSpan.Zero, 10 << 20);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That((await ScrapeAsync()).Sum("qbsync_transfer_throughput_bytes_per_second"), Is.EqualTo(10485760));
        Assert.That((await ScrapeAsync()).Sum("qbsync_transfer_throughput_bytes_per_second"), Is.EqualTo(10485760));
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.That((await ScrapeAsync()).Sum("qbsync_transfer_throughput_bytes_per_second"), Is.Zero);
    }

    [Test]
    [MetricCase("A29")]
    public async Task Link_Throws_GaugesAreAbsentAndCountersAreThere()
    {
        using var log = new LogErrorGuard();
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = TransportMetrics.ForSource(
            Prometheus.Metrics.WithCustomRegistry(registry), registry, new TransportClientOptions { Address = "localhost:1" }, _time, log);
        var link = new ShownLink { Fault = new InvalidOperationException("broken") };
        metrics.AddLink(link);
        metrics.WindowFull();
        for (var scrape = 1; scrape <= 2; scrape++)
        {
            var seen = await ScrapeAsync(registry);
            Assert.That(seen.Families.Values.Where(static family => family.Type == "gauge").Select(static family => family.Name), Is.Empty);
            Assert.That(seen.Sum("qbsync_window_full_total"), Is.EqualTo(1));
            Assert.That(seen.Sum("qbsync_metrics_collect_errors_total", ("owner", "transport")), Is.EqualTo(scrape));
        }

        Assert.That(log.Entries.Count(static entry => entry.Id.Name == "NotReadable"), Is.EqualTo(1));
        link.Fault = null;
        Assert.That((await ScrapeAsync(registry)).Has("qbsync_inflight_pieces"), Is.True);
    }

    [Test]
    [MetricCase("A08")]
    public async Task Rejected_EveryCode_MovesItsOwn()
    {
        foreach (var status in Enum.GetValues<PieceAckStatus>().Where(static status => status > PieceAckStatus.Held))
        {
            _metrics.PieceRejected(status);
        }

        _metrics.PieceRejected((PieceAckStatus)999);

        var seen = await ScrapeAsync();
        Assert.That(seen.Find("qbsync_piece_rejections_total").Where(static sample => sample.Labels["code"] != "busy").Select(static sample => sample.Value), Has.All.EqualTo(1));
        Assert.That(seen.Sum("qbsync_piece_rejections_total", ("code", "busy")), Is.EqualTo(2), "what is not known is treated as busy");
    }

    [Test]
    [MetricCase("L1"), MetricCase("L2"), MetricCase("L7")]
    public async Task Laws_Broken_AreFound()
    {
        _metrics.PieceSent(0, TimeSpan.FromMilliseconds(1));
        Assert.That(MetricLaws.FindBreaches(await ScrapeAsync()), Has.One.StartsWith("L1"));
        _metrics.PieceAcked(TimeSpan.FromMilliseconds(1), 5);
        Assert.That(MetricLaws.FindBreaches(await ScrapeAsync()), Is.Empty);
        _metrics.PieceStale();
        Assert.That(MetricLaws.FindBreaches(await ScrapeAsync()), Has.One.StartsWith("L2"));
        _metrics.PieceFailed();
        _metrics.AckLoopEnded(StreamEnd.SinkBlocked);
        Assert.That(MetricLaws.FindBreaches(await ScrapeAsync()), Is.Empty);
    }

    [Test]
    [MetricCase("G05"), MetricCase("A07"), MetricCase("G02")]
    public void Window_InPieces_IsByThePieceThatBeganLast()
    {
        const int Piece = 4 << 20;
        var test = new TestPool();
        Assert.That((test.Pool.GetSnapshot().WindowBytes, test.Pool.GetSnapshot().WindowPieces), Is.EqualTo((0.0, 0.0)), "no stream");
        PooledStream[] streams = [test.Add(out _), test.Add(out _, slot: 1)];
        var bytes = streams.Average(static stream => (double)stream.Window.Size);
        Assert.That((test.Pool.GetSnapshot().WindowBytes, test.Pool.GetSnapshot().WindowPieces), Is.EqualTo((bytes, bytes / (1 << 20))), "before the first piece");

        foreach (var stream in streams)
        {
            Assert.That(test.Pool.TryRent(stream), Is.True);
            test.Pool.BeginChunk(stream, 0, new TestSource(stream.Slot, Piece), 1000);
        }

        test.Pool.Sweep(TimeSpan.FromHours(1), TimeSpan.FromHours(1));
        bytes = streams.Average(static stream => (double)stream.Window.Size);
        Assert.That(test.Pool.GetSnapshot().WindowPieces, Is.EqualTo(bytes / Piece).Within(1e-9));
        Assert.That(test.Pool.InFlightPieces, Is.EqualTo(2));
        test.Pool.Remove(streams[0]);
        test.Pool.Remove(streams[1]);
        Assert.That(test.Pool.InFlightPieces, Is.Zero, "with their streams they are gone at once");
    }

    private Task<Exposition> ScrapeAsync() => ScrapeAsync(_registry);

    private static async Task<Exposition> ScrapeAsync(CollectorRegistry registry)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(registry, text);
        return Exposition.Parse(System.Text.Encoding.UTF8.GetString(text.ToArray()));
    }

    private sealed class ShownLink : ILinkState
    {
        private int _inFlight;

        public Exception? Fault { get; set; }

        public int OpenStreams { get; init; }

        public int InFlightPieces
        {
            get => Fault is null ? _inFlight : throw Fault;
            init => _inFlight = value;
        }

        public int OpenConnections { get; init; }

        public bool IsScalingPaused { get; set; }

        public IReadOnlyList<ConnectionState> Connections { get; set; } = [];

        public (double Bytes, double Pieces) Window { get; init; }
    }
}
