using System.Text.RegularExpressions;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>Compares two recordings of one version.</summary>
internal static partial class RecordingComparison
{
    /// <summary>A line per difference: the request, what is stored, what is said now.</summary>
    public static IReadOnlyList<string> Differences(IReadOnlyList<Exchange> stored, IReadOnlyList<Exchange> anew)
    {
        List<string> differences = [];
        var byName = anew.ToDictionary(static exchange => exchange.Name);
        foreach (var old in stored)
        {
            if (!byName.Remove(old.Name, out var now))
            {
                differences.Add($"{old.Name}: no longer in the plan");
                continue;
            }

            string before = Comparable(old), after = Comparable(now);
            if (before != after)
            {
                var at = before.AsSpan().CommonPrefixLength(after);
                differences.Add($"{old.Name}, from character {at}:\n  stored: {Excerpt(before, at)}\n  now:    {Excerpt(after, at)}");
            }
        }

        differences.AddRange(byName.Keys.Select(static name => $"{name}: not stored"));
        return differences;
    }

    // What the machine or the moment decides, beyond what a recording leaves out by itself: the log's lines, figures of the moment,
    // and of the settings their values.
    private static string Comparable(Exchange exchange)
    {
        var text = Availability().Replace(Placeholders.Fill(exchange.Write()), "");
        text = exchange.Request.Endpoint is "torrents/info" or "sync/maindata" ? Missing().Replace(Priority().Replace(text, ""), "$1missing") : text;
        return exchange.Name switch
        {
            "log" => $"{exchange.Status} {exchange.ContentType} {exchange.BodyKind}",
            "preferences" => Keys().Replace(text, "$1"),
            _ when exchange.Request.Endpoint == "sync/maindata" => ServerState().Replace(text, ""),
            _ => text,
        };
    }

    private static string Excerpt(string text, int at) => text[Math.Max(0, at - 60)..Math.Min(text.Length, at + 160)].ReplaceLineEndings("\\n");

    [GeneratedRegex("""("[a-z_0-9]+":)(?:"(?:[^"\\]|\\.)*"|[^,{}\[\]"]+)""")]
    private static partial Regex Keys();

    // Of a torrent whose files are missing these are one or the other, as it happens; after its start 5.1 may even be about to download it.
    [GeneratedRegex("""("availability":(?:0|-1),)(?!\.)""")]
    private static partial Regex Availability();

    [GeneratedRegex("""("priority":[01],)""")]
    private static partial Regex Priority();

    [GeneratedRegex("""("state":")(?:missingFiles|stalledDL)(?=")""")]
    private static partial Regex Missing();

    [GeneratedRegex(""","server_state":\{[^}]*\}|"server_state":\{[^}]*\},?""")]
    private static partial Regex ServerState();
}
