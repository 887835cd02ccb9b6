using QbSync.Testing.Monitoring;
using QbSync.Testing.Specifications;

namespace QbSync.IntegrationTests.Monitoring;

/// <summary>What both roles serve and what the dashboard asks, with the real Prometheus between them.</summary>
internal sealed class DashboardQueriesTests
{
    private const int PieceLength = 16 * 1024;
    private static readonly HttpClient Http = new() { Timeout = QbSync.Testing.Waiting.TaskExtensions.Timeout };

    [Test]
    [MetricCase("Q4")]
    [MetricCase("Q6")]
    public async Task Queries_EachOfTheDashboard_IsAnsweredWithANumberInOneRun()
    {
        await using var nodes = await MonitoredNodes.StartAsync();
        var whole = new TorrentBuilder("whole.bin") { Length = 60 * PieceLength, PieceLength = PieceLength, Seed = 1 }.Build();
        var growing = new TorrentBuilder("growing.bin") { Length = 800 * PieceLength, PieceLength = PieceLength, Seed = 2 }.Build();
        nodes.Relay.FlipNext(whole);
        nodes.AddWhole(whole);
        nodes.AddDownloading(growing);

        // Pieces of the second come in between any two scrapes for as long as it takes; the first is synced and, in a drain, handed over meanwhile.
        var pending = DashboardFile.ReadPanels(Path.Combine(MonitoredNodes.Root, "deploy/grafana/qbsync.json"))
            .SelectMany(static panel => panel.Queries.Select(query => $"{query.Executable} # panel {panel.Id}")).ToList();
        var last = 0.0;
        var pieces = new Queue<int>(Enumerable.Range(0, growing.Manifest.PieceCount));
        try
        {
            await Eventually.BecomesTrueAsync(async () =>
            {
                var scraped = (await nodes.Prometheus.QueryAsync("timestamp(up{job='source'})"))[0].Samples[0].Value;
                if (scraped > last)
                {
                    last = scraped;
                    nodes.Arrive(growing, [pieces.Dequeue(), pieces.Dequeue()]);
                }

                if (nodes.IsSynced(whole))
                {
                    await nodes.DrainAsync();
                }

                pending = await DropAnsweredAsync(nodes.Prometheus, pending);
                return pending.Count == 0 && await IsPositiveAsync(nodes.Prometheus, "sum(qbsync_transfer_throughput_bytes_per_second)");
            });
        }
        catch (TimeoutException)
        {
            Assert.Fail($"No number for{Environment.NewLine}{string.Join(Environment.NewLine, pending)}");
        }

        nodes.Arrive(growing, pieces);
        await Eventually.BecomesTrueAsync(() => nodes.IsHandedOver(whole) && nodes.IsHandedOver(growing));
        Assert.That(whole.FindDifference(nodes.DestinationData) ?? growing.FindDifference(nodes.DestinationData), Is.Null);
        await Eventually.BecomesTrueAsync(() => IsPositiveAsync(nodes.Prometheus, "qbsync_piece_hash_mismatch_total == 1"));
        foreach (var address in (Uri[])[nodes.Source.HealthAddress!, nodes.Destination.HealthAddress!])
        {
            var scrape = await Http.GetStringAsync(new Uri(address, "/metrics"));
            Assert.That(await Promtool.RunAsync(MonitoredNodes.Root, scrape, "check", "metrics"), Is.Empty);
        }
    }

    /// <summary>Not a number is an answer of Prometheus where nothing happened; here everything happens.</summary>
    private static async Task<List<string>> DropAnsweredAsync(PrometheusServer prometheus, List<string> queries)
    {
        List<string> left = [];
        foreach (var query in queries)
        {
            var answer = await prometheus.QueryAsync(query);
            if (!answer.Any(static series => series.Samples.Any(static sample => double.IsFinite(sample.Value))))
            {
                left.Add(query);
            }
        }

        return left;
    }

    private static async Task<bool> IsPositiveAsync(PrometheusServer prometheus, string query) =>
        (await prometheus.QueryAsync(query)).Any(static series => series.Samples[0].Value > 0);
}
