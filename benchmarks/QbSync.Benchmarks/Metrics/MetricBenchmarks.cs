using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using QbSync.Engine;
using QbSync.Engine.Source;
using QbSync.Storage;
using QbSync.Torrents;
using QbSync.Transport;

namespace QbSync.Benchmarks.Metrics;

/// <summary>What do metrics cost: a chunk, a piece, and a scrape of a source with as many torrents under way as have series of their own?</summary>
[MemoryDiagnoser]
public class MetricBenchmarks
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;
    private readonly MemoryStream _text = new();
    private CollectorRegistry _registry = null!;
    private TransportMetrics _transport = null!;
    private StorageMetrics _storage = null!;

    /// <summary>Torrents under way; 1000 have series by default.</summary>
    [Params(0, 1000, 10_000)]
    public int Torrents { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _registry = Prometheus.Metrics.NewCustomRegistry();
        var factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        factory.ExemplarBehavior = ExemplarBehavior.NoExemplars();
        _transport = TransportMetrics.ForSource(factory, _registry, new TransportClientOptions { Address = "localhost:1" }, TimeProvider.System);
        var there = Prometheus.Metrics.NewCustomRegistry();
        _storage = new StorageMetrics(Prometheus.Metrics.WithCustomRegistry(there), there, StorageMetrics.Destination);
        var engine = new EngineMetrics(factory, _registry, "source", new SeriesLimits(), NullLoggerFactory.Instance);
        SourceReport.Torrent[] torrents =
        [
            .. Enumerable.Range(0, Torrents).Select(static i =>
                new SourceReport.Torrent(InfoHash.Parse($"{i:x40}"), $"A torrent of some name {i}", TorrentSyncState.Streaming, true, 1000, 500, 1 << 30)
                {
                    PendingSince = Now,
                    TrackedSince = Now,
                }),
        ];
        var report = new SourceReport(torrents, new int[Enum.GetValues<TorrentSyncState>().Length], 0, 0, Now);
        engine.PublishSource(() => report, static () => 0, new SourceOptions());
    }

    [Benchmark]
    public void ChunkSent() => _transport.ChunkSent(0, 65536, isResent: false);

    [Benchmark]
    public void PieceSent() => _transport.PieceSent(0, TimeSpan.FromMilliseconds(1));

    [Benchmark]
    public void PieceAcked() => _transport.PieceAcked(TimeSpan.FromMilliseconds(1), 65536);

    [Benchmark]
    public void PieceWritten() => _storage.PieceWritten(TimeSpan.FromMilliseconds(1));

    [Benchmark]
    public async Task Scrape()
    {
        _text.SetLength(0);
        await _registry.CollectAndExportAsTextAsync(_text);
    }
}
