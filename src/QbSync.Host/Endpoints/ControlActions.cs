using QbSync.Torrents;

namespace QbSync.Host.Endpoints;

/// <summary>What can be asked of a role over its control socket. An action that is null is none of this role's.</summary>
internal sealed record ControlActions
{
    public static ControlActions None { get; } = new();

    /// <summary>Hands everything over, then stops. False when it is stopping already.</summary>
    public Func<bool>? Drain { get; init; }

    /// <summary>Tries again what failed or rests; all of it for null. How many that were; null for a torrent that is not known.</summary>
    public Func<InfoHash?, CancellationToken, Task<int?>>? RetryAsync { get; init; }
}
