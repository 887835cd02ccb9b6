using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Host.Endpoints;
using QbSync.Testing.Processes;

namespace QbSync.Host.Tests.Endpoints;

internal sealed class ReadinessChecksTests
{
    [Test]
    public async Task Probes_FiveAtOnce_RunTheCheckOnceAndCountHits()
    {
        var registry = Metrics.NewCustomRegistry();
        var time = new FakeTimeProvider();
        var running = new TaskCompletionSource<bool>();
        var runs = 0;
        var checks = new ReadinessChecks(
            [new ReadinessCheck("client", () => { runs++; return running.Task; })], new HostMetrics(Metrics.WithCustomRegistry(registry), "source"), time);

        var probes = Enumerable.Range(0, 5).Select(_ => checks.AreAllGoodAsync()).ToArray();
        running.SetResult(true);
        Assert.That(await Task.WhenAll(probes).DefaultTimeout(), Has.All.True);
        Assert.That(runs, Is.EqualTo(1));

        time.Advance(ReadinessChecks.Fresh);
        Assert.That(await checks.AreAllGoodAsync().DefaultTimeout(), Is.True);
        Assert.That(runs, Is.EqualTo(2));

        using var text = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(text);
        var scrape = new Scrape(System.Text.Encoding.UTF8.GetString(text.ToArray()));
        Assert.That(scrape.Sum("qbsync_health_check_cache_total", "result=\"miss\""), Is.EqualTo(2));
        Assert.That(scrape.Sum("qbsync_health_check_cache_total", "result=\"hit\""), Is.EqualTo(4));
    }
}
