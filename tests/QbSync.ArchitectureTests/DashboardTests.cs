using System.Text.Json;
using System.Text.RegularExpressions;
using QbSync.Testing.Machine;

namespace QbSync.ArchitectureTests;

/// <summary>The dashboard that comes with QbSync: its queries are read by Prometheus' own tool, and no metric is left out.</summary>
internal sealed partial class DashboardTests
{
    private static readonly string[] Verbatim =
    [
        "qbsync_torrent_bytes_synced_total",
        "timestamp(qbsync_torrents_synced_total{mode=\"source\"})",
        "qbsync_torrent_pieces_streamed / qbsync_torrent_pieces",
        "qbsync_torrent_pieces - qbsync_torrent_pieces_streamed",
        "qbsync_torrent_size_bytes",
        "qbsync_torrent_pieces_streamed / qbsync_torrent_pieces * qbsync_torrent_size_bytes",
        "rate(qbsync_torrent_pieces_streamed[5m])",
        "qbsync_torrent_pieces > 0",
        "histogram_quantile(0.50, sum(rate(qbsync_torrent_sync_latency_seconds_bucket[$__rate_interval])) by (le))",
        "histogram_quantile(0.99, sum(rate(qbsync_torrent_sync_latency_seconds_bucket[$__rate_interval])) by (le))",
    ];

    private static readonly List<JsonElement> Panels = ReadPanels();

    private static IEnumerable<string> Queries => Panels.SelectMany(
        static panel => panel.GetProperty("targets").EnumerateArray().Select(static target => target.GetProperty("expr").GetString()!));

    [Test]
    public async Task Queries_AreAllSound()
    {
        using var folder = new TempDirectory();
        var rules = Queries.Select(static (query, number) => $"      - record: query:{number}\n        expr: '{query
            .Replace("$__rate_interval", "1m", StringComparison.Ordinal)
            .Replace("'", "''", StringComparison.Ordinal)}'");
        var file = folder["queries.yml"];
        await File.WriteAllTextAsync(file, $"groups:\n  - name: queries\n    rules:\n{string.Join('\n', rules)}\n");
        await Promtool.RunAsync("check", "rules", file);
    }

    [Test]
    public void Queries_ThoseOfTheMetricsReference_AreThereWordForWord() => Assert.That(Verbatim, Is.SubsetOf(Queries));

    [Test]
    public void Families_Each_IsInSomePanel()
    {
        var queries = string.Join('\n', Queries);
        var families = FamilyRow().Matches(Repository.Read("METRICS.md")).Select(static match => match.Groups["name"].Value);
        Assert.That(families.Where(family => !Regex.IsMatch(queries, $@"\b{family}(_bucket)?\b")), Is.Empty, "families that nobody sees");
    }

    [Test]
    public void Panels_LieBesideEachOther()
    {
        HashSet<(int, int)> taken = [];
        foreach (var panel in Panels)
        {
            var at = panel.GetProperty("gridPos");
            var (left, top, width, height) = (Number(at, "x"), Number(at, "y"), Number(at, "w"), Number(at, "h"));
            Assert.That(left + width, Is.LessThanOrEqualTo(24), panel.GetProperty("title").GetString());
            for (var cell = 0; cell < width * height; cell++)
            {
                Assert.That(taken.Add((left + (cell % width), top + (cell / width))), panel.GetProperty("title").GetString());
            }
        }

        Assert.That(Panels.Select(static panel => Number(panel, "id")), Is.Unique);
    }

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    private static List<JsonElement> ReadPanels()
    {
        using var dashboard = JsonDocument.Parse(Repository.Read("deploy/grafana/qbsync.json"));
        var top = dashboard.RootElement.Clone().GetProperty("panels").EnumerateArray().ToList();
        return
        [
            .. top.Where(static panel => panel.GetProperty("type").GetString() != "row"),
            .. top.Where(static panel => panel.GetProperty("type").GetString() == "row").SelectMany(static row => row.GetProperty("panels").EnumerateArray()),
        ];
    }

    [GeneratedRegex(@"^\| `(?<name>qbsync_\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex FamilyRow();
}
