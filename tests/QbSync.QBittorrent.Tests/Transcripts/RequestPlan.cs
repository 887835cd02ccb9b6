namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>A line of the plan.</summary>
internal abstract record PlanStep
{
    /// <summary>A request; fields as in <see cref="ExchangeRequest"/>, marks not yet filled in.</summary>
    public sealed record Send(string Name, ExchangeRequest Request) : PlanStep;

    /// <summary>Something that is not recorded: a verb and its words.</summary>
    public sealed record Do(string Verb, IReadOnlyList<string> Words) : PlanStep;
}

/// <summary>The requests of <c>tests/clients/requests.txt</c>, whose head describes its lines.</summary>
internal static class RequestPlan
{
    public static IReadOnlyList<PlanStep> Load()
    {
        List<PlanStep> steps = [];
        foreach (var line in File.ReadAllLines(Path.Combine(TestContext.CurrentContext.TestDirectory, "Transcripts", "requests.txt")))
        {
            if (line.Trim().Length == 0 || line.StartsWith('#'))
            {
                continue;
            }

            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            steps.Add(line.StartsWith(' ') ? new PlanStep.Do(words[0], words[1..]) : new PlanStep.Send(words[0], Parse(words[1], words[2], line)));
        }

        return steps;
    }

    private static ExchangeRequest Parse(string method, string path, string line)
    {
        var fields = line[(line.IndexOf(" " + path, StringComparison.Ordinal) + path.Length + 1)..].Trim();
        return new ExchangeRequest(method, path, fields.Length == 0 ? [] : [.. fields.Split('&').Select(static field => ParseField(field.Trim()))]);
    }

    private static (string Name, string Value) ParseField(string field)
    {
        if (field.StartsWith("file:", StringComparison.Ordinal))
        {
            return ("torrents", $"<{field}>");
        }

        var at = field.IndexOf('=', StringComparison.Ordinal);
        return (field[..at], field[(at + 1)..]);
    }
}
