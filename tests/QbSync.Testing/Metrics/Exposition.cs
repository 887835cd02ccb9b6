using System.Globalization;
using System.Text;

namespace QbSync.Testing.Metrics;

/// <summary>A scrape, read by the rules of Prometheus' text format and not by ours: what is not well-formed throws.</summary>
public sealed class Exposition
{
    private readonly Dictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);

    private Exposition()
    {
    }

    /// <summary>By name; a family without a series is not there.</summary>
    public IReadOnlyDictionary<string, MetricFamily> Families => _families;

    /// <summary>All lines with a value.</summary>
    public int Series => _families.Values.Sum(static family => family.Samples.Count);

    /// <summary>Reads a text.</summary>
    /// <exception cref="FormatException">The text is not in the format.</exception>
    public static Exposition Parse(string text)
    {
        var exposition = new Exposition();
        MetricFamily? family = null;
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var name = line.Split(' ', 4)[2];
                family = new MetricFamily(name, line[Math.Min(line.Length, 8 + name.Length)..]);
                if (!exposition._families.TryAdd(name, family))
                {
                    throw new FormatException($"{name} is there twice.");
                }
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var words = line.Split(' ');
                if (family?.Name != words[2])
                {
                    throw new FormatException($"The type of {words[2]} does not follow its help.");
                }

                family.Type = words[3];
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                var sample = ReadSample(line);
                if (family is null || !family.Owns(sample.Name))
                {
                    throw new FormatException($"{sample.Name} stands outside of its family.");
                }

                family.Add(sample);
            }
        }

        foreach (var empty in exposition._families.Values.Where(static family => family.Samples.Count == 0).ToArray())
        {
            exposition._families.Remove(empty.Name);
        }

        return exposition;
    }

    /// <summary>Sum over the series of that name, which may be a histogram's <c>_count</c>; 0 for none.</summary>
    public double Sum(string name, params (string Label, string Value)[] labels) => Find(name).Where(sample =>
        labels.All(label => sample.Labels.GetValueOrDefault(label.Label) == label.Value)).Sum(static sample => sample.Value);

    /// <summary>The series of that name.</summary>
    public IEnumerable<MetricSample> Find(string name) =>
        _families.Values.Where(family => family.Owns(name)).SelectMany(static family => family.Samples).Where(sample => sample.Name == name);

    /// <summary>Whether a family has a series.</summary>
    public bool Has(string family) => _families.ContainsKey(family);

    private static MetricSample ReadSample(string line)
    {
        var at = line.IndexOfAny(['{', ' ']);
        if (at <= 0)
        {
            throw new FormatException($"No value: {line}");
        }

        var name = line[..at];
        Dictionary<string, string> labels = new(StringComparer.Ordinal);
        if (line[at] == '{')
        {
            at = ReadLabels(line, at + 1, labels);
        }

        var value = line[at..].Trim();
        return new MetricSample(name, labels, value switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            _ => double.Parse(value, CultureInfo.InvariantCulture),
        });
    }

    private static int ReadLabels(string line, int at, Dictionary<string, string> labels)
    {
        while (line[at] != '}')
        {
            var equals = line.IndexOf("=\"", at, StringComparison.Ordinal);
            var name = equals < 0 ? throw new FormatException($"No label: {line}") : line[at..equals];
            var value = new StringBuilder();
            for (at = equals + 2; line[at] != '"'; at++)
            {
                value.Append(line[at] != '\\' ? line[at] : line[++at] switch
                {
                    'n' => '\n',
                    '"' => '"',
                    '\\' => '\\',
                    _ => throw new FormatException($"No such escape: {line}"),
                });
            }

            labels.Add(name, value.ToString());
            at += line[at + 1] == ',' ? 2 : 1;
        }

        return at + 1;
    }
}

/// <summary>A family of a scrape.</summary>
/// <param name="name">Its name.</param>
/// <param name="help">Its help, unescaped where nothing is escaped.</param>
public sealed class MetricFamily(string name, string help)
{
    private static readonly string[] HistogramParts = ["_bucket", "_sum", "_count"];
    private readonly List<MetricSample> _samples = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    public string Name => name;

    public string Help => help;

    public string Type { get; set; } = "untyped";

    public IReadOnlyList<MetricSample> Samples => _samples;

    /// <summary>Names of labels, without the one of a histogram's buckets.</summary>
    public IEnumerable<string> Labels => _samples.SelectMany(static sample => sample.Labels.Keys).Where(static label => label != "le").Distinct();

    /// <summary>Finite bounds of a histogram's buckets.</summary>
    public IEnumerable<double> Bounds => _samples.Where(static sample => sample.Name.EndsWith("_bucket", StringComparison.Ordinal))
        .Select(static sample => sample.Labels["le"]).Where(static bound => bound != "+Inf")
        .Select(static bound => double.Parse(bound, CultureInfo.InvariantCulture)).Distinct().Order();

    /// <summary>Whether a series of that name is of this family.</summary>
    public bool Owns(string series) => series == name || (Type == "histogram" && HistogramParts.Any(part => series == name + part));

    /// <summary>Takes a series in; the same one twice is refused.</summary>
    public void Add(MetricSample sample)
    {
        if (!_seen.Add($"{sample.Name}{{{string.Join(',', sample.Labels.OrderBy(static label => label.Key, StringComparer.Ordinal))}}}"))
        {
            throw new FormatException($"{sample.Name} is there twice with the same labels.");
        }

        _samples.Add(sample);
    }
}

/// <summary>A line with a value.</summary>
public sealed record MetricSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);
