using BenchmarkDotNet.Attributes;
using QbSync.Transport;
using QbSync.Transport.Client;
using QbSync.Transport.Client.Pooling;
using QbSync.Transport.Wire;

namespace QbSync.Benchmarks.Pooling;

/// <summary>What does a sender pay for its stream, with few streams and with as many as there may be?</summary>
[MemoryDiagnoser]
public class StreamSelectionBenchmarks
{
    private StreamPool _pool = null!;

    /// <summary>Streams of the link; 32 is the most by default.</summary>
    [Params(2, 8, 32)]
    public int Streams { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var options = new TransportClientOptions { Address = "localhost:1" };
        var metrics = TransportMetrics.ForSource(Prometheus.Metrics.WithCustomRegistry(registry), registry, options, TimeProvider.System);
        _pool = new StreamPool(new LinkClock(TimeProvider.System), metrics, options.Congestion);
        for (var i = 0; i < Streams; i++)
        {
            _pool.Add(new PooledStream(i % options.MaxConnections, new NoWriter(), 1 << 20), long.MaxValue / 2, 16 << 20);
        }
    }

    /// <summary>A stream is chosen and given back.</summary>
    [Benchmark]
    public void RentAndReturn() => _pool.Return(_pool.RentAsync(CancellationToken.None).Result!);

    private sealed class NoWriter : IFrameWriter
    {
        public ValueTask<bool> WriteAsync(OutgoingFrame frame) => new(true);

        public void End(StreamEnd cause)
        {
        }

        public void Ping()
        {
        }

        public void ReturnCredit(long limit)
        {
            // Nobody gives any back.
        }
    }
}
