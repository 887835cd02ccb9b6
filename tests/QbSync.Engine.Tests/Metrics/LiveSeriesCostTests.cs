using QbSync.Engine.Source;
using QbSync.MetricFamilies;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Metrics;

/// <summary>What a scrape of very many torrents costs.</summary>
[TestFixture]
internal sealed class LiveSeriesCostTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    [Test]
    [MetricCase("Q10")]
    public void TenThousandTorrents_MakeNoGarbageOnceTheyAreThere()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var factory = Prometheus.Metrics.WithCustomRegistry(registry);
        var live = new LiveSeries(factory, new ScrapedOwner(factory, registry, "engine", static _ => { }), new SeriesLimits());
        var report = new SourceReport([.. Enumerable.Range(0, 10_000).Select(Live)], [], 0, 0, Now);
        Func<SourceReport> read = () => report;
        Assert.That(live.Show(read), Is.EqualTo(9000));
        live.Show(read);

        var before = GC.GetAllocatedBytesForCurrentThread();
        live.Show(read);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1024), "the way through a list, and nothing for a torrent");
    }

    private static SourceReport.Torrent Live(int number) =>
        new(InfoHash.Parse($"{number:x40}"), $"torrent {number}", TorrentSyncState.Streaming, true, 8, 4, 1000) { TrackedSince = Now, PendingSince = Now };
}
