using Prometheus;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;

namespace QbSync.Storage.Tests;

/// <summary>What storage moves and shows by itself.</summary>
internal sealed class StorageMetricsTests
{
    [Test]
    [MetricCase("Q10")]
    public void PieceWritten_ManyTimes_AllocatesNothing()
    {
        var registry = Metrics.NewCustomRegistry();
        var metrics = new StorageMetrics(Metrics.WithCustomRegistry(registry), registry, StorageMetrics.Destination);
        Write(1000);

        // Of this thread alone: what others do has no part in it.
        var before = GC.GetAllocatedBytesForCurrentThread();
        Write(10_000);

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1000), "not a byte a piece");

        void Write(int pieces)
        {
            for (var i = 0; i < pieces; i++)
            {
                metrics.PieceWritten(TimeSpan.FromMilliseconds(1));
            }
        }
    }

    [TestCase(StorageMetrics.Source)]
    [TestCase(StorageMetrics.Destination)]
    [MetricCase("A24"), MetricCase("A29"), MetricCase("G09"), MetricCase("G16")]
    public async Task Gauges_ThatCannotBeRead_AreAbsentAndAllElseIsThere(string mode)
    {
        var registry = Metrics.NewCustomRegistry();
        var metrics = new StorageMetrics(Metrics.WithCustomRegistry(registry), registry, mode);
        metrics.PublishOpenFiles(static () => 5);
        metrics.PublishDirtyTorrents(static () => 6);
        metrics.PublishInodes(static () => 7);
        var seen = await ScrapeAsync(registry);
        Assert.That(seen.Sum("qbsync_open_file_handles", ("mode", mode)), Is.EqualTo(5));
        if (mode == StorageMetrics.Destination)
        {
            Assert.That((seen.Sum("qbsync_torrents_with_dirty_state"), seen.Sum("qbsync_inode_registry_size")), Is.EqualTo((6, 7)));
        }

        metrics.PublishOpenFiles(static () => throw new InvalidOperationException("broken"));
        seen = await ScrapeAsync(registry);
        Assert.That(seen.Families.Values.Where(static family => family.Type == "gauge"), Is.Empty);
        Assert.That(seen.Sum("qbsync_metrics_collect_errors_total", ("owner", "storage")), Is.EqualTo(1));
        Assert.That(seen.Has("qbsync_state_save_errors_total"), Is.True);

        metrics.PublishOpenFiles(null);
        Assert.That((await ScrapeAsync(registry)).Find("qbsync_open_file_handles").Single().Value, Is.Zero, "an owner that is gone");
    }

    private static async Task<Exposition> ScrapeAsync(CollectorRegistry registry)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(registry, text);
        return Exposition.Parse(System.Text.Encoding.UTF8.GetString(text.ToArray()));
    }
}
