using System.Globalization;
using System.Text;
using Prometheus;
using QbSync.Testing.Metrics;

namespace QbSync.QBittorrent.Tests;

/// <summary>Reads a registry as a scrape shows it.</summary>
internal static class MetricReader
{
    /// <summary>A sample's value; NaN when there is no such series.</summary>
    public static double Read(CollectorRegistry registry, string name, params string[] labels)
    {
        foreach (var line in Scrape(registry).Split('\n'))
        {
            if ((line.StartsWith(name + "{", StringComparison.Ordinal) || line.StartsWith(name + " ", StringComparison.Ordinal))
                && labels.All(label => line.Contains('"' + label + '"', StringComparison.Ordinal)))
            {
                return double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
            }
        }

        return double.NaN;
    }

    public static string Scrape(CollectorRegistry registry)
    {
        using var stream = new MemoryStream();
        MovedSeries.CollectAsync(registry, stream).GetAwaiter().GetResult();
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
