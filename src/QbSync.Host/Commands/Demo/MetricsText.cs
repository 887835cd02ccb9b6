using System.Globalization;
using System.Text;
using Prometheus;

namespace QbSync.Host.Commands.Demo;

/// <summary>Reads a registry as a scraper would.</summary>
internal static class MetricsText
{
    /// <summary>Sum over all label sets of one metric.</summary>
    public static async Task<double> SumAsync(CollectorRegistry registry, string name)
    {
        using var text = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(text);
        return Encoding.UTF8.GetString(text.ToArray()).Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && (line[name.Length] is '{' or ' '))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
