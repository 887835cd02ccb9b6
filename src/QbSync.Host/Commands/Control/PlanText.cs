using System.Text;
using System.Text.Json;
using QbSync.Host.Reporting;

namespace QbSync.Host.Commands.Control;

/// <summary>Plans as people read them in a terminal. Pure.</summary>
internal static class PlanText
{
    private const int WidestAction = 8;

    /// <summary>A line for each torrent, and the sums.</summary>
    public static string OfPlan(byte[] document)
    {
        var plan = Parse(document, PlanJson.Default.PlanDocument);
        var text = new StringBuilder();
        AddProblem(text, plan.Problem);
        foreach (var row in plan.Torrents)
        {
            text.AppendLine(Line(row));
        }

        var totals = plan.Totals;
        return text.Append(
            $"{totals.Torrents} {(totals.Torrents == 1 ? "torrent" : "torrents")}: {Amounts.Bytes(totals.BytesToSend)} to send, {Amounts.Bytes(totals.BytesToLink)} to link, {Amounts.Bytes(totals.BytesToFree)} to free.").ToString();
    }

    /// <summary>Its line, and each condition below what it has to do with.</summary>
    public static string OfExplanation(byte[] document)
    {
        var told = Parse(document, PlanJson.Default.ExplainDocument);
        var text = new StringBuilder();
        AddProblem(text, told.Problem);
        text.Append(Line(told.Torrent!));
        foreach (var topic in told.Conditions.GroupBy(static one => one.Topic))
        {
            text.AppendLine().AppendLine().Append(topic.Key switch
            {
                "sync" => "Whether it is brought to the destination:",
                "handoff" => "Whether it may be handed over:",
                "proof" => "Whether a proof is good enough to delete it here:",
                _ => topic.Key,
            });
            foreach (var one in topic)
            {
                text.AppendLine().Append($"  {Word(one.Met)}  {ShownText.Mask(one.Name)}: {ShownText.Mask(one.Value)}");
                if (one.Option is { } option)
                {
                    text.Append($" (--{ShownText.Mask(option)})");
                }
            }
        }

        return text.ToString();
    }

    private static string Word(bool? isMet) => isMet switch { true => "yes", false => "NO ", null => "?  " };

    private static void AddProblem(StringBuilder text, string? problem)
    {
        if (problem is not null)
        {
            text.AppendLine($"Less is known than should be: {ShownText.Mask(problem)}");
        }
    }

    private static string Line(PlanRow row)
    {
        (string What, long Bytes)[] all = [("to send", row.BytesToSend), ("to link", row.BytesToLink), ("to free", row.BytesToFree)];
        string[] amounts = [.. all.Where(static one => one.Bytes > 0).Select(static one => $"{Amounts.Bytes(one.Bytes)} {one.What}")];
        return $"{row.Action.PadRight(WidestAction)}  {ShownText.Mask(row.Name)} ({ShownText.Mask(row.Hash)}): {ShownText.Mask(row.Reason)}{(amounts.Length > 0 ? $"; {string.Join(", ", amounts)}" : "")}";
    }

    private static T Parse<T>(byte[] document, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(document, type) ?? throw new CommandFailure("The answer is no plan.");
        }
        catch (JsonException error)
        {
            throw new CommandFailure($"The answer is no plan: {error.Message}");
        }
    }
}
