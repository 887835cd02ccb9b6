using System.Text.Json;
using System.Text.RegularExpressions;
using QbSync.Testing.Machine;
using QbSync.Testing.Monitoring;
using QbSync.Testing.Specifications;

namespace QbSync.ArchitectureTests;

/// <summary>The dashboard that comes with QbSync: panel by panel as specified, its queries read by Prometheus' own tool, and no metric left out.</summary>
internal sealed partial class DashboardTests
{
    private const string Dashboard = "deploy/grafana/qbsync.json";

    private static readonly IReadOnlyList<DashboardPanel> Panels = DashboardFile.ReadPanels(Path.Combine(Repository.Root, Dashboard));

    private static IEnumerable<string> Queries => Panels.SelectMany(static panel => panel.Queries).Select(static query => query.Text);

    [Test]
    public async Task Queries_AreAllSound()
    {
        using var folder = new TempDirectory();
        var rules = Panels.SelectMany(static panel => panel.Queries).Select(static (query, number) =>
            $"      - record: query:{number}\n        expr: '{query.Executable.Replace("'", "''", StringComparison.Ordinal)}'");
        await File.WriteAllTextAsync(folder["queries.yml"], $"groups:\n  - name: queries\n    rules:\n{string.Join('\n', rules)}\n");
        await Promtool.RunAsync(folder.Path, null, "check", "rules", "queries.yml");
    }

    [Test]
    [MetricCase("Q6")]
    public void Panels_EachNumber_AsksWhatIsSpecified()
    {
        Assert.Multiple(() =>
        {
            foreach (var (number, row, queries) in DashboardContract.Panels)
            {
                var panel = Panels.SingleOrDefault(panel => panel.Id == number);
                Assert.That(panel?.Row, Is.EqualTo(row), $"row of panel {number}");
                Assert.That(panel?.Queries.Select(static query => query.Text), Is.EqualTo(queries), $"queries of panel {number}");
            }
        });
        Assert.That(Panels.Where(static panel => panel.Id < 40).Select(static panel => panel.Id), Is.EquivalentTo(Enumerable.Range(1, 39)));
    }

    /// <summary>What no specified panel shows is in the last, collapsed row: counters as rates, histograms as percentiles, the rest as it is.</summary>
    [Test]
    public void Panels_OfTheLastRow_ShowEachFamilyThatNoOtherShows()
    {
        var above = string.Join('\n', DashboardContract.Panels.SelectMany(static panel => panel.Queries));
        var expected = Families().Where(family => !IsIn(above, family)).Select(DashboardContract.Rest);
        Assert.That(Panels.Where(static panel => panel.Row == "Everything else").SelectMany(static panel => panel.Queries).Select(static query => query.Text), Is.EquivalentTo(expected));
    }

    [Test]
    [MetricCase("Q6")]
    public void Families_Each_IsInSomePanel() =>
        Assert.That(Families().Where(family => !IsIn(string.Join('\n', Queries), family)), Is.Empty, "families that nobody sees");

    [Test]
    public void Dashboard_Frame_IsAsSpecified()
    {
        using var dashboard = JsonDocument.Parse(Repository.Read(Dashboard));
        var root = dashboard.RootElement;
        Assert.That(root.GetProperty("uid").GetString(), Is.EqualTo("qbsync"));
        Assert.That(root.GetProperty("refresh").GetString(), Is.EqualTo("30s"));
        Assert.That(root.GetProperty("time").GetProperty("from").GetString(), Is.EqualTo("now-6h"));
        var variables = root.GetProperty("templating").GetProperty("list").EnumerateArray().ToList();
        Assert.That(variables.Select(static variable => variable.GetProperty("name").GetString()), Is.EqualTo(new[] { "datasource", "job", "instance", "mode" }));
        Assert.That(variables[1].GetProperty("definition").GetString(), Is.EqualTo("label_values(qbsync_build_info, job)"));
        Assert.That(variables[2].GetProperty("definition").GetString(), Is.EqualTo("label_values(qbsync_build_info{job=~\"$job\"}, instance)"));
        foreach (var variable in variables.Skip(1))
        {
            Assert.That(variable.GetProperty("multi").GetBoolean() && variable.GetProperty("includeAll").GetBoolean(), Is.True);
            Assert.That(variable.GetProperty("allValue").GetString(), Is.EqualTo(".*"));
        }

        var rows = root.GetProperty("panels").EnumerateArray().Where(static panel => panel.GetProperty("type").GetString() == "row").ToList();
        Assert.That(
            rows.Select(static row => row.GetProperty("title").GetString()),
            Is.EqualTo(new[] { "Now", "Torrents", "Link", "Destination", "Safety", "Client and process", "Everything else" }));
        Assert.That(rows.Select(static row => row.GetProperty("collapsed").GetBoolean()), Is.EqualTo(new[] { false, false, false, false, false, false, true }));
    }

    [Test]
    public void Panels_LieBesideEachOther()
    {
        HashSet<(int, int)> taken = [];
        foreach (var panel in Panels)
        {
            var at = panel.Json.GetProperty("gridPos");
            var (left, top, width, height) = (Number(at, "x"), Number(at, "y"), Number(at, "w"), Number(at, "h"));
            Assert.That(left + width, Is.LessThanOrEqualTo(24), panel.Title);
            for (var cell = 0; cell < width * height; cell++)
            {
                Assert.That(taken.Add((left + (cell % width), top + (cell / width))), panel.Title);
            }
        }

        Assert.That(Panels.Select(static panel => panel.Id), Is.Unique);
        Assert.That(Panels.Select(static panel => panel.Title), Is.Unique.And.None.Empty);
    }

    private static IEnumerable<string> Families() => FamilyRow().Matches(Repository.Read("METRICS.md")).Select(static match => match.Groups["name"].Value).Distinct();

    private static bool IsIn(string queries, string family) => Regex.IsMatch(queries, $@"\b{family}(_bucket)?\b");

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    [GeneratedRegex(@"^\| `(?<name>qbsync_\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex FamilyRow();
}
