using System.Text.Json;
using System.Text.Json.Serialization;
using QbSync.Engine.Plans;

namespace QbSync.Host.Reporting;

/// <summary>What a source would do with each torrent, as <c>/api/v1/plan</c> tells it. Immutable.</summary>
internal sealed record PlanDocument
{
    public DateTimeOffset At { get; init; }

    /// <summary>Why less is known than should be; null when nothing is amiss.</summary>
    public string? Problem { get; init; }

    public IReadOnlyList<PlanRow> Torrents { get; init; } = [];

    public PlanSums Totals { get; init; } = new();

    public static PlanDocument Of(SourcePlan plan)
    {
        PlanRow[] rows = [.. plan.Torrents.Select(PlanRow.Of)];
        return new PlanDocument
        {
            At = plan.At,
            Problem = plan.Problem.Length > 0 ? ShownText.Escape(plan.Problem) : null,
            Torrents = rows,
            Totals = new PlanSums(
                rows.Length, rows.Sum(static row => row.BytesToSend), rows.Sum(static row => row.BytesToLink), rows.Sum(static row => row.BytesToFree)),
        };
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, PlanJson.Default.PlanDocument);
}

/// <summary>One torrent of a plan.</summary>
/// <param name="Action">sync, stream, finalize, handoff, keep, skip, failed or remove.</param>
/// <param name="Reason">The first thing that decides.</param>
internal sealed record PlanRow(string Hash, string Name, string Action, string Reason, long BytesToSend, long BytesToLink, long BytesToFree)
{
    public static PlanRow Of(PlanLine line) => new(
        line.Id.ToString(),
        ShownText.Escape(line.Name),
        ShownText.ToKebab(line.Action.ToString()),
        ShownText.Escape(line.Reason),
        line.BytesToSend,
        line.BytesToLink,
        line.BytesToFree);
}

/// <summary>All torrents together.</summary>
internal sealed record PlanSums(int Torrents = 0, long BytesToSend = 0, long BytesToLink = 0, long BytesToFree = 0);

/// <summary>What a source would do with one torrent, and all that has to do with it, as <c>/api/v1/torrents/{hash}/explain</c> tells it. Immutable.</summary>
internal sealed record ExplainDocument
{
    public DateTimeOffset At { get; init; }

    /// <inheritdoc cref="PlanDocument.Problem" />
    public string? Problem { get; init; }

    public PlanRow? Torrent { get; init; }

    public IReadOnlyList<ConditionRow> Conditions { get; init; } = [];

    public static ExplainDocument Of(TorrentExplanation explanation) => new()
    {
        At = explanation.At,
        Problem = explanation.Problem.Length > 0 ? ShownText.Escape(explanation.Problem) : null,
        Torrent = explanation.Torrent is { } line ? PlanRow.Of(line) : null,
        Conditions =
        [
            .. explanation.Conditions.OrderBy(static one => one.Topic).Select(static one =>
                new ConditionRow(ShownText.ToKebab(one.Topic.ToString()), one.Name, one.IsMet, ShownText.Escape(one.Value), one.Option)),
        ],
    };

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, PlanJson.Default.ExplainDocument);
}

/// <summary>One condition.</summary>
/// <param name="Topic">sync, handoff or proof.</param>
/// <param name="Met">Null while that is not known.</param>
/// <param name="Option">The option that governs it; null where none does.</param>
internal sealed record ConditionRow(string Topic, string Name, bool? Met, string Value, string? Option);

/// <summary>The one way in which these are written and read.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PlanDocument))]
[JsonSerializable(typeof(ExplainDocument))]
internal sealed partial class PlanJson : JsonSerializerContext;
