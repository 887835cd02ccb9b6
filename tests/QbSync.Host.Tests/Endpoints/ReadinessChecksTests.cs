using Microsoft.Extensions.Time.Testing;
using Prometheus;
using QbSync.Host.Endpoints;
using QbSync.Host.Tests.Reporting;
using QbSync.Testing.Processes;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Endpoints;

internal sealed class ReadinessChecksTests
{
    [TestCase("source")]
    [TestCase("destination")]
    [MetricCase("C32")]
    public async Task Probes_FiveAtOnce_RunTheCheckOnceAndCountHits(string mode)
    {
        var registry = Metrics.NewCustomRegistry();
        var time = new FakeTimeProvider();
        var running = new TaskCompletionSource<bool>();
        var runs = 0;
        var checks = new ReadinessChecks(
            [new ReadinessCheck("client", () => { runs++; return running.Task; })], new HostMetrics(Metrics.WithCustomRegistry(registry), mode), time);
        Assert.That(await ReadAsync(), Is.EqualTo((0.0, 0.0)), "both are there before the first probe");

        var probes = Enumerable.Range(0, 5).Select(_ => checks.AreAllGoodAsync()).ToArray();
        running.SetResult(true);
        Assert.That(await Task.WhenAll(probes).DefaultTimeout(), Has.All.True);
        Assert.That(runs, Is.EqualTo(1));
        Assert.That(await ReadAsync(), Is.EqualTo((1.0, 4.0)));

        time.Advance(ReadinessChecks.Fresh);
        Assert.That(await checks.AreAllGoodAsync().DefaultTimeout(), Is.True);
        Assert.That(runs, Is.EqualTo(2));

        Assert.That(await ReadAsync(), Is.EqualTo((2.0, 4.0)));

        async Task<(double Misses, double Hits)> ReadAsync()
        {
            using var text = new MemoryStream();
            await registry.CollectAndExportAsTextAsync(text);
            var scrape = new Scrape(System.Text.Encoding.UTF8.GetString(text.ToArray()));
            return (scrape.Sum("qbsync_health_check_cache_total", "result=\"miss\""), scrape.Sum("qbsync_health_check_cache_total", "result=\"hit\""));
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    [MetricCase("C32")]
    public async Task Readyz_FiveAtOnceOverHttp_AreOneMissAndFourHits(bool isSource)
    {
        var running = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var runs = 0;
        await using var lab = new StatusLab(isSource);
        lab.Check = () =>
        {
            Interlocked.Increment(ref runs);
            return running.Task;
        };
        using var http = new HttpClient { BaseAddress = await lab.ListenAsync() };
        Assert.That(await ReadAsync(), Is.EqualTo((0.0, 0.0)), "both are there before the first probe");

        var probes = Enumerable.Range(0, 5).Select(_ => http.GetStringAsync("/readyz")).ToArray();
        await Eventually.BecomesTrueAsync(async () => await ReadAsync() == (1, 4));
        Assert.That(probes.Any(static probe => probe.IsCompleted), Is.False, "all wait for the one check");
        running.SetResult(true);
        Assert.That(await Task.WhenAll(probes).DefaultTimeout(), Is.All.EqualTo("ok"));
        Assert.That(await http.GetStringAsync("/readyz"), Is.EqualTo("ok"));
        Assert.That((Volatile.Read(ref runs), await ReadAsync()), Is.EqualTo((1, (1.0, 5.0))), "what is fresh is used");

        async Task<(double Misses, double Hits)> ReadAsync()
        {
            var scrape = new Scrape(await http.GetStringAsync("/metrics"));
            return (scrape.Sum("qbsync_health_check_cache_total", "result=\"miss\""), scrape.Sum("qbsync_health_check_cache_total", "result=\"hit\""));
        }
    }

    [Test]
    [HostCase(24)]
    public async Task Probes_AThousandAtOnce_RunTheCheckOnceInTenSeconds()
    {
        var time = new FakeTimeProvider();
        var runs = 0;
        var running = new TaskCompletionSource<bool>();
        var checks = new ReadinessChecks(
            [new ReadinessCheck("client", () => { Interlocked.Increment(ref runs); return running.Task; })],
            new HostMetrics(Metrics.WithCustomRegistry(Metrics.NewCustomRegistry()), "source"),
            time);
        var probes = Enumerable.Range(0, 1000).Select(_ => Task.Run(checks.AreAllGoodAsync)).ToArray();
        running.SetResult(true);
        Assert.That(await Task.WhenAll(probes).DefaultTimeout(), Has.All.True);
        Assert.That(runs, Is.EqualTo(1));
    }

    /// <summary>A mount that hangs, say: a probe has its answer all the same, and those after it ask no second time.</summary>
    [Test]
    [HostCase(24)]
    public async Task Probe_OfACheckThatStandsStill_IsANoInItsTime()
    {
        var time = new FakeTimeProvider();
        using var ends = new ManualResetEventSlim();
        var runs = 0;
        var checks = new ReadinessChecks(
            [
                new ReadinessCheck("data", () =>
                {
                    Interlocked.Increment(ref runs);
                    ends.Wait();
                    return Task.FromResult(true);
                }),
            ],
            new HostMetrics(Metrics.WithCustomRegistry(Metrics.NewCustomRegistry()), "destination"),
            time);
        var probes = Enumerable.Range(0, 3).Select(_ => checks.AreAllGoodAsync()).ToArray();
        time.Advance(ReadinessChecks.Patience);
        Assert.That(await Task.WhenAll(probes).DefaultTimeout(), Has.All.False);
        ends.Set();
        await Eventually.BecomesTrueAsync(async () => await checks.AreAllGoodAsync().DefaultTimeout());
        Assert.That(runs, Is.EqualTo(1));
    }

    [Test]
    public async Task Probe_OfACheckThatThrows_IsANoAndAskedAnew()
    {
        var fails = true;
        var checks = new ReadinessChecks(
            [new ReadinessCheck("data", () => fails ? throw new InvalidOperationException("no") : Task.FromResult(true))],
            new HostMetrics(Metrics.WithCustomRegistry(Metrics.NewCustomRegistry()), "destination"),
            new FakeTimeProvider());
        Assert.That(await checks.AreAllGoodAsync().DefaultTimeout(), Is.False);
        fails = false;
        Assert.That(await checks.AreAllGoodAsync().DefaultTimeout(), Is.True);
    }

    [Test]
    [HostCase(24)]
    public async Task Probe_SaysYesOrNoAndNoMore()
    {
        await using var lab = new StatusLab();
        using var http = new HttpClient { BaseAddress = await lab.ListenAsync() };
        Assert.That(await http.GetStringAsync("/readyz"), Is.EqualTo("ok"));
        lab.IsReady = false;
        lab.Pass(ReadinessChecks.Fresh);
        using var no = await http.GetAsync("/readyz");
        Assert.That(((int)no.StatusCode, await no.Content.ReadAsStringAsync()), Is.EqualTo((503, "not ready")));
    }
}
