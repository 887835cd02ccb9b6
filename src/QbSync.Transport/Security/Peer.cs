using QbSync.Ports;

namespace QbSync.Transport.Security;

/// <summary>A node that is trusted. Immutable.</summary>
/// <param name="Id">Who it is; nothing else makes it trusted.</param>
/// <param name="Name">For people.</param>
public sealed record Peer(NodeId Id, string Name)
{
    internal const int MaxName = 64;

    /// <summary>host:port that it was paired at; null for one that dials us.</summary>
    public string? Address { get; init; }

    /// <summary>What it may do here.</summary>
    public PeerGrants Grants { get; init; } = PeerGrants.Everything;

    /// <summary>When it became trusted.</summary>
    public DateTimeOffset AddedAt { get; init; }

    /// <summary>What a stranger calls itself, so that it can be shown: control and format characters become spaces.</summary>
    internal static string ToName(string text)
    {
        var name = string.Concat(text.Select(static c => char.IsControl(c) || char.GetUnicodeCategory(c)
            is System.Globalization.UnicodeCategory.Format or System.Globalization.UnicodeCategory.Surrogate ? ' ' : c)).Trim();
        return name.Length <= MaxName ? name : name[..MaxName];
    }
}
