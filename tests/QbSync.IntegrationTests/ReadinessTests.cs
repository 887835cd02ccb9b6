using System.Net;
using Microsoft.Extensions.Time.Testing;
using QbSync.Host.Lifetime;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests;

/// <summary>Probes of both roles over HTTP. The clock is the test's, so that no check is old before it is asked for again.</summary>
internal sealed class ReadinessTests
{
    private const string Checks = "qbsync_health_check_cache_total";
    private const int Probes = 5;
    private static readonly HttpClient Http = new() { Timeout = Testing.Waiting.TaskExtensions.Timeout };
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    [Test]
    [MetricCase("C32")]
    public async Task FiveProbesAtOnce_OfEachRole_RunEachCheckOnce()
    {
        await using var nodes = new TwoNodes { SourceTime = _time, DestinationTime = _time };
        await nodes.StartAsync();
        await PassUntilAsync(() => nodes.Source.Status is { IsStarted: true, ClientOk: true, PeerOk: true } && nodes.Destination.Status is { IsStarted: true, ClientOk: true });

        await ProbeAsync(nodes.Source, checks: 3);
        await ProbeAsync(nodes.Destination, checks: 4);

        await nodes.SignalSourceAsync();
        var ending = nodes.SourceEndedAsync();
        await PassUntilAsync(() => ending.IsCompleted);
        await ending;
    }

    private static async Task ProbeAsync(RoleNode node, int checks)
    {
        Assert.That(await ReadAsync(node), Is.EqualTo((0.0, 0.0)), "nobody has asked yet");
        var codes = await Task.WhenAll(Enumerable.Range(0, Probes).Select(async _ =>
        {
            using var answer = await Http.GetAsync(new Uri(node.HealthAddress!, "/readyz"));
            return answer.StatusCode;
        }));
        Assert.That(codes, Is.All.EqualTo(HttpStatusCode.OK));
        Assert.That(await ReadAsync(node), Is.EqualTo(((double)checks, (double)((Probes - 1) * checks))));
    }

    private static async Task<(double Misses, double Hits)> ReadAsync(RoleNode node)
    {
        var scrape = Exposition.Parse(await Http.GetStringAsync(new Uri(node.HealthAddress!, "/metrics")));
        return (scrape.Sum(Checks, ("result", "miss")), scrape.Sum(Checks, ("result", "hit")));
    }

    private Task PassUntilAsync(Func<bool> condition) => Eventually.BecomesTrueAsync(async () =>
    {
        var before = _time.GetUtcNow();
        await VirtualTime.PassUntilAsync(_time, () => _time.GetUtcNow() > before, static _ => TimeSpan.FromMilliseconds(100), static () => { }, static () => "a step");
        return condition();
    });
}
