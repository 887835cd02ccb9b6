using QbSync.Torrents;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>Torrents that would leave together, as the planner sees them. Immutable.</summary>
/// <param name="Key">Names the group over passes: the id of its first member.</param>
/// <param name="Members">At least one.</param>
/// <param name="Frees">Per device, what is free when they are gone with their files.</param>
/// <param name="Devices">Every device on which one of their files lies.</param>
/// <param name="Level">How much they upload for what they free, in steps.</param>
/// <param name="Doubt">Why it is not sure that nobody else uses their files; else empty.</param>
internal sealed record CleanupGroup(
    string Key,
    IReadOnlyList<CleanupMember> Members,
    IReadOnlyDictionary<ulong, long> Frees,
    IReadOnlySet<ulong> Devices,
    int Level,
    string Doubt)
{
    public long Bytes => Frees.Values.Sum();

    public long Peers => Members.Sum(static member => (long)member.Peers);

    public TimeSpan LeastSeeding => Members.Min(static member => member.Seeding);

    /// <summary>When the last of them was complete; one that does not tell counts as the youngest.</summary>
    public DateTimeOffset CompletedAt => Members.Max(static member => member.CompletedAt ?? DateTimeOffset.MaxValue);

    /// <summary>Why it may not go, by the first member that may not; null when all may.</summary>
    public string? Refusal => Doubt.Length > 0
        ? Doubt
        : Members.FirstOrDefault(static member => member.Refusal is not null) is { } atFault ? $"'{atFault.Name}': {atFault.Refusal}" : null;

    /// <summary>Members that might go by themselves and stay only because somebody else uses their files, or may use them.</summary>
    public IEnumerable<CleanupMember> KeptByOthers => Refusal is not null || (Bytes == 0 && Devices.Count > 0)
        ? Members.Where(static member => member.Refusal is null)
        : [];

    /// <summary>Whether nothing but the least seeding time keeps it.</summary>
    public bool IsTooYoung => Doubt.Length == 0 && Refusal is not null && Members.All(static member => member.Refusal is null || member.IsTooYoung);
}

/// <summary>A torrent of a group.</summary>
/// <param name="Id">The torrent; none when it is not synced.</param>
/// <param name="Name">Its name.</param>
/// <param name="Refusal">Why it may not be handed over; null when it may.</param>
internal sealed record CleanupMember(InfoHash Id, string Name, string? Refusal)
{
    /// <summary>Whether it is refused for nothing but its seeding time.</summary>
    public bool IsTooYoung { get; init; }

    /// <summary>Seeds and leechers of the swarm; what a client does not tell is none.</summary>
    public int Peers { get; init; }

    public TimeSpan Seeding { get; init; }

    public DateTimeOffset? CompletedAt { get; init; }
}
