using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Prometheus;

namespace QbSync.Testing.Metrics;

/// <summary>
/// Keeps which series any test saw, and which of them at another value than 0, so that <c>tests/never-moved.sh</c> can say of a whole run which no test ever moved. Each process of
/// tests appends to a file of its own in the folder that QBSYNC_MOVED names, what is new at once; without it nothing is kept. Thread-safe.
/// </summary>
/// <remarks>A line is a 0 or a 1, a space, the family, and those labels whose values are bounded; a histogram has moved when it has counted.</remarks>
public static partial class MovedSeries
{
    private static readonly string? Folder = Environment.GetEnvironmentVariable("QBSYNC_MOVED");
    private static readonly HashSet<string> Bounded = ["mode", "result", "operation", "component", "reason", "direction", "code", "kind", "how", "state", "owner", "family"];
    private static readonly Lock Gate = new();
    private static readonly HashSet<string> Kept = [];
    private static readonly HashSet<string> Known = [];

    /// <summary>Collects as a scrape does, and keeps what that shows.</summary>
    public static async Task CollectAsync(CollectorRegistry registry, MemoryStream text)
    {
        await registry.CollectAndExportAsTextAsync(text);
        if (!string.IsNullOrEmpty(Folder))
        {
            Note(Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length));
        }
    }

    /// <summary>Keeps what a scrape shows.</summary>
    public static void Note(string scrape)
    {
        if (string.IsNullOrEmpty(Folder))
        {
            return;
        }

        lock (Gate)
        {
            foreach (var line in scrape.Split('\n'))
            {
                if (line.StartsWith("qbsync_", StringComparison.Ordinal) && !Part().IsMatch(line))
                {
                    Note_NeedsLock(line);
                }
            }
        }
    }

    private static void Note_NeedsLock(string line)
    {
        var end = line.LastIndexOf(' ');
        var moved = line.AsSpan(end + 1) is not "0";
        if (!Known.Add((moved ? "1 " : "0 ") + line[..end]))
        {
            return;
        }

        var name = line[..line.AsSpan().IndexOfAny('{', ' ')];
        var labels = Label().Matches(line[name.Length..end]).Select(static match => match.Value)
            .Where(static label => Bounded.Contains(label[..label.IndexOf('=', StringComparison.Ordinal)])).Order(StringComparer.Ordinal);
        var kept = string.Create(CultureInfo.InvariantCulture, $"{(moved ? 1 : 0)} {name}{{{string.Join(',', labels)}}}");
        if (!Kept.Add(kept))
        {
            return;
        }

        Directory.CreateDirectory(Folder!);
        File.AppendAllText(Path.Combine(Folder!, $"{Environment.ProcessId}.txt"), kept + "\n");
    }

    /// <summary>What a histogram has besides its count.</summary>
    [GeneratedRegex("^\\w+_(bucket|sum)[ {]")]
    private static partial Regex Part();

    [GeneratedRegex(@"\w+=""(?:[^""\\]|\\.)*""")]
    private static partial Regex Label();
}
