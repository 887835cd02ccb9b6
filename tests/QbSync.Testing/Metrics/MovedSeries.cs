using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Prometheus;

namespace QbSync.Testing.Metrics;

/// <summary>
/// Keeps which series any test saw, and which of them at another value than 0, so that <c>tests/never-moved.sh</c> can say at the end of <c>test.sh</c> which no test
/// ever moved. Each process of tests appends to a file of its own in the folder that QBSYNC_MOVED names, what is new at once; without it nothing is kept. Thread-safe.
/// </summary>
/// <remarks>A line is a 0 or a 1, a space, the family, and those labels whose values are bounded; a histogram has moved when it has counted.</remarks>
public static partial class MovedSeries
{
    private static readonly string? Folder = Environment.GetEnvironmentVariable("QBSYNC_MOVED");
    private static readonly HashSet<string> Bounded = ["mode", "result", "operation", "component", "reason", "direction", "code", "kind", "how", "state", "owner", "family"];
    private static readonly Lock Gate = new();
    private static readonly HashSet<string> Kept = [];
    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> Still = new HashSet<string>().GetAlternateLookup<ReadOnlySpan<char>>();
    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> Moved = new HashSet<string>().GetAlternateLookup<ReadOnlySpan<char>>();

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
            foreach (var range in scrape.AsSpan().Split('\n'))
            {
                var line = scrape.AsSpan()[range];
                if (line.StartsWith("qbsync_", StringComparison.Ordinal))
                {
                    Note_NeedsLock(line);
                }
            }
        }
    }

    private static void Note_NeedsLock(ReadOnlySpan<char> line)
    {
        // Most lines were seen before, and cost nothing but the look.
        var end = line.LastIndexOf(' ');
        var moved = line[(end + 1)..] is not "0";
        if (!(moved ? Moved : Still).Add(line[..end]) || Part().IsMatch(line))
        {
            return;
        }

        var start = line.IndexOfAny('{', ' ');
        var labels = Label().Matches(line[start..end].ToString()).Select(static match => match.Value)
            .Where(static label => Bounded.Contains(label[..label.IndexOf('=', StringComparison.Ordinal)])).Order(StringComparer.Ordinal);
        var kept = string.Create(CultureInfo.InvariantCulture, $"{(moved ? 1 : 0)} {line[..start]}{{{string.Join(',', labels)}}}");
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
