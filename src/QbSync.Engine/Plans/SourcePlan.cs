namespace QbSync.Engine.Plans;

/// <summary>What a source would do with each torrent, as it was known at one moment. Immutable.</summary>
public sealed record SourcePlan
{
    /// <summary>When it was made.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether the client has told what it has; without that no torrent can be told of.</summary>
    public bool IsKnown { get; init; }

    /// <summary>Why less is known than should be; empty when nothing is amiss.</summary>
    public string Problem { get; init; } = "";

    /// <summary>Each torrent that the client lists, and each that is owed an outcome; by name.</summary>
    public IReadOnlyList<PlanLine> Torrents { get; init; } = [];
}

/// <summary>What a source would do with one torrent, and everything that has to do with it. Immutable.</summary>
public sealed record TorrentExplanation
{
    /// <inheritdoc cref="SourcePlan.At" />
    public required DateTimeOffset At { get; init; }

    /// <inheritdoc cref="SourcePlan.IsKnown" />
    public bool IsKnown { get; init; }

    /// <inheritdoc cref="SourcePlan.Problem" />
    public string Problem { get; init; } = "";

    /// <summary>What would become of it; null when there is no such torrent.</summary>
    public PlanLine? Torrent { get; init; }

    /// <summary>Every condition, met or not.</summary>
    public IReadOnlyList<PlanCondition> Conditions { get; init; } = [];
}
