using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Wire;

/// <summary>The protocols that an end speaks, and what it can do beyond them. Immutable.</summary>
internal sealed record WireVersions(uint Lowest, uint Highest)
{
    /// <summary>What this build speaks.</summary>
    public static WireVersions Current { get; } = new(1, 1);

    /// <summary>Numbers of what may be used when both ends have it. None yet.</summary>
    public IReadOnlyList<uint> Capabilities { get; init; } = [];

    /// <summary>The highest protocol that both speak; null when there is none.</summary>
    public uint? Meet(uint lowest, uint highest)
    {
        var common = Math.Min(Highest, highest);
        return lowest <= highest && common >= Math.Max(Lowest, lowest) ? common : null;
    }

    /// <summary>What both can do. Numbers that this build does not know are ignored.</summary>
    public IReadOnlyList<uint> Meet(IEnumerable<uint> capabilities) => [.. capabilities.Distinct().Where(Capabilities.Contains)];

    /// <summary>Both ranges, for people.</summary>
    public string Describe(HelloRequest other) =>
        $"The source speaks protocols {other.Lowest} to {other.Highest}, the destination {Lowest} to {Highest}.";
}
