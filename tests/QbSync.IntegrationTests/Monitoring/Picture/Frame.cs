using QbSync.Testing.Monitoring;

namespace QbSync.IntegrationTests.Monitoring.Picture;

/// <summary>A rectangle of the drawing.</summary>
internal readonly record struct Place(double X, double Y, double Width, double Height)
{
    public double Bottom => Y + Height;
}

/// <summary>A series of a panel, with its name and unit.</summary>
/// <param name="Query">The letter of its query.</param>
/// <param name="Labels">What Prometheus says of it.</param>
internal sealed record Curve(string Query, string Name, string Unit, IReadOnlyDictionary<string, string> Labels, IReadOnlyList<PrometheusSample> Samples)
{
    /// <summary>The last number.</summary>
    public double Last => Samples.LastOrDefault(static sample => double.IsFinite(sample.Value)) is { At.Ticks: > 0 } sample ? sample.Value : double.NaN;

    public double Most => Samples.Select(static sample => sample.Value).Where(double.IsFinite).DefaultIfEmpty().Max();
}

/// <summary>A panel and what was asked for it over the time from <paramref name="From"/> to <paramref name="Until"/>.</summary>
internal sealed record Frame(DashboardPanel Panel, IReadOnlyList<Curve> Curves, DateTimeOffset From, DateTimeOffset Until)
{
    /// <summary>Where the time from one sample to the next ends that still is one line.</summary>
    public TimeSpan Gap => TimeSpan.FromSeconds(4 + ((Until - From).TotalSeconds / 120));

    /// <summary>Asks everything that the panel asks, of the source and its destination.</summary>
    public static async Task<Frame> AskAsync(PrometheusServer prometheus, DashboardPanel panel, DateTimeOffset from, DateTimeOffset until)
    {
        List<Curve> curves = [];
        foreach (var query in panel.Queries)
        {
            // Scraped each second, so ten seconds are an interval for rates as Grafana would choose it.
            var chosen = query.Text.Replace("$__rate_interval", "10s", StringComparison.Ordinal).Replace("$job", "source|destination", StringComparison.Ordinal);
            var text = (query with { Text = chosen }).Executable;
            var answer = await prometheus.QueryAsync(text, from, until, TimeSpan.FromSeconds(Math.Max(1, Math.Round((until - from).TotalSeconds / 120))));
            curves.AddRange(answer.Select(series => new Curve(query.Ref, Name(query, series), query.Unit, series.Labels, series.Samples)));
        }

        return new Frame(panel, curves, from, until);
    }

    private static string Name(DashboardQuery query, PrometheusSeries series)
    {
        var name = series.Labels.Aggregate(query.Legend, static (legend, label) => legend.Replace($"{{{{{label.Key}}}}}", label.Value, StringComparison.Ordinal));
        return name == "__auto" ? string.Join(", ", series.Labels.Where(static label => label.Key is not ("__name__" or "job" or "instance")).Select(static label => label.Value)) : name;
    }
}
