using System.Collections.Frozen;
using QbSync.Engine.Status;

namespace QbSync.Host.Notifications;

/// <summary>Somebody who is told. Immutable.</summary>
/// <param name="Name">Its own among those of its sort, for logs.</param>
/// <param name="Events">What it is told of.</param>
/// <param name="Categories">Of torrents only those of these categories: a name, or <c>name/*</c> for those below it. Empty for all.</param>
internal abstract record Receiver(string Name, FrozenSet<EngineEventKind> Events, IReadOnlyList<string> Categories)
{
    private const string Below = "/*";

    /// <summary>Whether it is told of that.</summary>
    public bool Wants(EngineEvent happened) =>
        Events.Contains(happened.Kind) && (happened.Torrent is not { } torrent || Categories.Count == 0 || Categories.Any(category => Has(category, torrent.Category)));

    private static bool Has(string wanted, string category) => wanted.EndsWith(Below, StringComparison.Ordinal)
        ? category.StartsWith(wanted[..^1], StringComparison.Ordinal)
        : category == wanted;
}

/// <summary>A receiver at an address.</summary>
internal sealed record Webhook(string Name, FrozenSet<EngineEventKind> Events, IReadOnlyList<string> Categories, Preset Preset, Uri Url)
    : Receiver(Name, Events, Categories)
{
    /// <summary>By which its requests are signed; empty for no signature.</summary>
    public string Secret { get; init; } = "";

    /// <summary>What its service asks for; empty for nothing.</summary>
    public string Key { get; init; } = "";

    /// <summary>Where it is, without what nobody may read.</summary>
    public string Place => Url.GetLeftPart(UriPartial.Authority);

    /// <summary>No path and no key: they are secrets.</summary>
    public override string ToString() => $"{Name} at {Place}";
}

/// <summary>A program of this machine that is told.</summary>
/// <param name="Program">Full path.</param>
/// <param name="Arguments">As they are: no shell reads them.</param>
internal sealed record Hook(string Name, FrozenSet<EngineEventKind> Events, IReadOnlyList<string> Categories, string Program, IReadOnlyList<string> Arguments)
    : Receiver(Name, Events, Categories);

/// <summary>What a webhook's requests look like.</summary>
internal enum Preset
{
    /// <summary>The document itself, signed.</summary>
    Generic,

    /// <summary>A message to a topic of ntfy.</summary>
    Ntfy,

    /// <summary>A message in a channel of Discord.</summary>
    Discord,

    /// <summary>A message by Apprise's API.</summary>
    Apprise,

    /// <summary>Sonarr imports what is synced.</summary>
    Sonarr,

    /// <summary>Radarr does.</summary>
    Radarr,

    /// <summary>Lidarr does.</summary>
    Lidarr,
}
