using System.Text.Json;

namespace QbSync.Testing.Monitoring;

/// <param name="Ref">Its letter in the panel.</param>
/// <param name="Text">The PromQL, with Grafana's variables.</param>
/// <param name="Legend">How a series is called, with labels in braces.</param>
/// <param name="Unit">Grafana's name of the unit.</param>
public sealed record DashboardQuery(string Ref, string Text, string Legend, string Unit)
{
    /// <summary>As Grafana asks when everything is chosen.</summary>
    public string Executable => Text.Replace("$__rate_interval", "1m", StringComparison.Ordinal)
        .Replace("$job", ".*", StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal).Replace("$mode", ".*", StringComparison.Ordinal);
}

/// <param name="Row">Title of the row that it stands in.</param>
public sealed record DashboardPanel(int Id, string Row, string Type, string Title, IReadOnlyList<DashboardQuery> Queries, JsonElement Json);

/// <summary>The dashboard that comes with QbSync, as Grafana reads it.</summary>
public static class DashboardFile
{
    /// <summary>Its panels without the rows, in order.</summary>
    public static IReadOnlyList<DashboardPanel> ReadPanels(string path)
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(path));
        var panels = new List<DashboardPanel>();
        var row = "";
        foreach (var panel in dashboard.RootElement.Clone().GetProperty("panels").EnumerateArray())
        {
            if (panel.GetProperty("type").GetString() != "row")
            {
                panels.Add(Read(panel, row));
                continue;
            }

            row = panel.GetProperty("title").GetString()!;
            panels.AddRange(panel.GetProperty("panels").EnumerateArray().Select(inner => Read(inner, row)));
        }

        return panels;
    }

    private static DashboardPanel Read(JsonElement panel, string row)
    {
        var field = panel.GetProperty("fieldConfig");
        var unit = field.GetProperty("defaults").GetProperty("unit").GetString()!;
        var queries = panel.GetProperty("targets").EnumerateArray().Select(target =>
        {
            var letter = target.GetProperty("refId").GetString()!;
            return new DashboardQuery(letter, target.GetProperty("expr").GetString()!, target.GetProperty("legendFormat").GetString()!, UnitOf(field, letter) ?? unit);
        });
        return new DashboardPanel(
            panel.GetProperty("id").GetInt32(), row, panel.GetProperty("type").GetString()!, panel.GetProperty("title").GetString()!, [.. queries], panel);
    }

    private static string? UnitOf(JsonElement field, string letter) => field.GetProperty("overrides").EnumerateArray()
        .Where(overriding => overriding.GetProperty("matcher") is var matcher
            && matcher.GetProperty("id").GetString() == "byFrameRefID" && matcher.GetProperty("options").GetString() == letter)
        .SelectMany(static overriding => overriding.GetProperty("properties").EnumerateArray())
        .Where(static property => property.GetProperty("id").GetString() == "unit")
        .Select(static property => property.GetProperty("value").GetString())
        .FirstOrDefault();
}
