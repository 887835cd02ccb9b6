using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Testing.Metrics;
using QbSync.Transport.Client;
using QbSync.Transport.Client.Pooling;
using QbSync.Transport.Client.Sending;

namespace QbSync.Transport.Tests.Client;

/// <summary>A pool and a sender on virtual time, with streams that go nowhere.</summary>
internal sealed class TestPool
{
    public const long Plenty = long.MaxValue / 2;

    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

    public TestPool(FakeTimeProvider? time = null)
    {
        Time = time ?? new FakeTimeProvider();
        Metrics = TransportMetrics.ForSource(
            Prometheus.Metrics.WithCustomRegistry(_registry), _registry, new TransportClientOptions { Address = "localhost:1" }, Time);
        var clock = new LinkClock(Time);
        Pool = new StreamPool(clock, Metrics, new CongestionOptions());
        Limiter = new RateLimiter(Time, clock);
        Ledger = new ResendLedger();
        Sender = new PieceSender(Pool, Limiter, Ledger, Metrics);
    }

    public FakeTimeProvider Time { get; }

    public TransportMetrics Metrics { get; }

    public StreamPool Pool { get; }

    public RateLimiter Limiter { get; }

    public ResendLedger Ledger { get; }

    public PieceSender Sender { get; }

    public PooledStream Add(out FakeWriter writer, int slot = 0, long credit = Plenty)
    {
        writer = new FakeWriter();
        var stream = new PooledStream(slot, writer, 1024 * 1024);
        Pool.Add(stream, credit, 16 * 1024 * 1024);
        return stream;
    }

    /// <summary>The destination has taken all that was handed over.</summary>
    public void ReportAll(PooledStream stream, long credit = Plenty) =>
        Assert.That(Pool.OnReport(stream, (ulong)stream.Window.HandedOver, (ulong)credit, 0, TimeSpan.Zero), Is.True);

    /// <summary>Value of a series as it is scraped.</summary>
    public async Task<double> ScrapeAsync(string series)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(_registry, text);
        var lines = System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n');
        var line = Array.Find(lines, line => line.StartsWith(series + " ", StringComparison.Ordinal));
        Assert.That(line, Is.Not.Null, series);
        return double.Parse(line![(series.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
