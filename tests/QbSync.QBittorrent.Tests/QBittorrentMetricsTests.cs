using QbSync.QBittorrent.Pipeline;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests;

internal sealed class QBittorrentMetricsTests
{
    [Test]
    [MetricCase("C13")]
    [MetricCase("C14")]
    [MetricCase("C15")]
    public async Task Families_BeforeAnyCall_AreThereAtZero([Values("source", "destination")] string mode)
    {
        await using var client = new ScriptedClient(mode: mode);
        foreach (var operation in Enum.GetNames<ApiOperation>())
        {
            Assert.That(client.Metric("qbsync_qb_api_calls_total", mode, operation), Is.Zero, operation);
        }

        Assert.That(client.Metric("qbsync_qb_api_call_duration_seconds_count", mode, "GetMainData"), Is.Zero);
        Assert.That(client.Metric("qbsync_qb_client_retries_total"), Is.Zero);
        Assert.That(client.Metric("qbsync_circuit_breaker_state", mode, "qb_client"), Is.Zero);
        Assert.That(client.Metric("qbsync_circuit_breaker_trips_total", mode, "qb_client"), Is.Zero);
        Assert.That(client.Metric("qbsync_qb_api_errors_total", mode, "transient"), Is.Zero);
        var scrape = MetricReader.Scrape(client.Registry);
        Assert.That(scrape, Does.Contain("# HELP qbsync_qb_api_call_duration_seconds qBittorrent API call latency (including retries)"));
        Assert.That(scrape, Does.Contain("le=\"0.01\"").And.Contain("le=\"10\""));
    }

    [Test]
    public void Options_SeveralFaults_AreToldAtOnce()
    {
        var options = new QBittorrentOptions { Username = "x", Timeout = TimeSpan.Zero, Attempts = 0 };
        Assert.That(options.Validate(), Has.Count.EqualTo(4));
        Assert.That(new QBittorrentOptions { Url = new Uri("http://u:p@h/") }.Validate(), Has.Count.EqualTo(1));
        Assert.That(new QBittorrentOptions { Url = new Uri("ftp://h/") }.Validate(), Has.Count.EqualTo(1));
        Assert.That(new QBittorrentOptions { Url = new Uri("https://h/x") }.Validate(), Is.Empty);
        Assert.That(() => new QBittorrentClient(options), Throws.ArgumentException.With.Message.Contains("qb-url").And.Message.Contains("qb-timeout"));
    }
}
