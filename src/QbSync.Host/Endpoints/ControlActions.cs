using QbSync.Engine.Plans;
using QbSync.Host.Lifetime;
using QbSync.Torrents;

namespace QbSync.Host.Endpoints;

/// <summary>What can be asked of a role: plans by whoever may read, the rest over its control socket. One that is null is none of this role's.</summary>
internal sealed record ControlActions
{
    public static ControlActions None { get; } = new();

    /// <summary>Hands everything over, then stops. False when it is stopping already.</summary>
    public Func<bool>? Drain { get; init; }

    /// <summary>Tries again what failed or rests; all of it for null. How many that were; null for a torrent that is not known.</summary>
    public Func<InfoHash?, CancellationToken, Task<int?>>? RetryAsync { get; init; }

    /// <summary>Hands one torrent over. Why that does not begin; empty when it does, null for a torrent that is not known.</summary>
    public Func<InfoHash, CancellationToken, Task<string?>>? HandOffAsync { get; init; }

    /// <summary>Reads the configuration anew.</summary>
    public Func<CancellationToken, Task<ReloadOutcome>>? ReloadAsync { get; init; }

    /// <summary>What would be done with each torrent; null while it does not run.</summary>
    public Func<CancellationToken, Task<SourcePlan?>>? PlanAsync { get; init; }

    /// <summary>What would be done with one torrent, and why; null while it does not run.</summary>
    public Func<InfoHash, CancellationToken, Task<TorrentExplanation?>>? ExplainAsync { get; init; }
}
