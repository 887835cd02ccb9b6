namespace QbSync.Engine.Source.Cleanup;

/// <summary>All that a decision on cleanup is made of.</summary>
internal sealed record CleanupFacts
{
    public required HandoffMode Mode { get; init; }

    public EvictionOrder Order { get; init; }

    /// <summary>Free bytes that are to be kept; 0 for no cleanup for want of space.</summary>
    public long MinSpace { get; init; }

    public IReadOnlyList<SpaceState> FileSystems { get; init; } = [];

    /// <summary>File systems that were short and are freed up to more than the limit.</summary>
    public IReadOnlySet<ulong> Relieved { get; init; } = new HashSet<ulong>();

    /// <summary>Devices of which not every file could be looked at, or that are to rest.</summary>
    public IReadOnlySet<ulong> Blocked { get; init; } = new HashSet<ulong>();

    public IReadOnlyList<CleanupGroup> Groups { get; init; } = [];

    /// <summary>Keys of groups that have just failed.</summary>
    public IReadOnlySet<string> Resting { get; init; } = new HashSet<string>();

    /// <summary>Groups that are on their way.</summary>
    public int Running { get; init; }

    /// <summary>Per device, what groups on their way will free, and what was deleted and is not visible yet.</summary>
    public IReadOnlyDictionary<ulong, long> Expected { get; init; } = new Dictionary<ulong, long>();
}

/// <summary>What is to be done.</summary>
/// <param name="Begin">Groups to hand over now, the first first.</param>
/// <param name="DeletableBytes">What could be freed now.</param>
/// <param name="Skipped">Groups that would have their turn, and why they are passed over.</param>
/// <param name="Served">File systems that have all that they need under way.</param>
internal sealed record CleanupPlan(
    IReadOnlyList<PlannedGroup> Begin, long DeletableBytes, IReadOnlyList<(CleanupGroup Group, string Reason)> Skipped, IReadOnlySet<ulong> Served)
{
    /// <summary>Torrents that those bytes are of.</summary>
    public int DeletableTorrents { get; init; }
}

/// <summary>A group with the file system for which it goes.</summary>
/// <param name="Group">The group.</param>
/// <param name="Device">The file system that is short; null for one that goes since it has seeded enough.</param>
/// <param name="Bytes">What it frees there.</param>
internal sealed record PlannedGroup(CleanupGroup Group, ulong? Device, long Bytes);

/// <summary>Decides what cleanup does. Pure: the loop obeys, a dry run prints. Whatever is not known lets nothing go.</summary>
internal static class CleanupPlanner
{
    /// <summary>Groups at once under pressure.</summary>
    public const int AtOnce = 8;

    /// <summary>Groups at once that go since they have seeded enough.</summary>
    public const int SeededAtOnce = 2;

    public static CleanupPlan Plan(CleanupFacts facts) => facts.Mode switch
    {
        HandoffMode.Pressure when facts.MinSpace > 0 => ForSpace(facts),
        HandoffMode.Seeded => ForSeeded(facts),
        _ => new CleanupPlan([], 0, [], new HashSet<ulong>()),
    };

    /// <summary>What is freed when a file system is short: a tenth more than the limit, so that it is not short again at once.</summary>
    public static long Target(long minSpace) => (long)Math.Min(long.MaxValue, minSpace * 1.1);

    private static CleanupPlan ForSpace(CleanupFacts facts)
    {
        List<PlannedGroup> begin = [];
        List<(CleanupGroup, string)> skipped = [];
        HashSet<ulong> served = [];
        HashSet<string> taken = new(StringComparer.Ordinal);
        var ranked = EvictionRank.Sort(facts.Groups, facts.Order);
        var expected = facts.Expected.ToDictionary();
        var deletable = 0L;
        Dictionary<string, int> able = new(StringComparer.Ordinal);
        foreach (var fileSystem in facts.FileSystems)
        {
            if (fileSystem.FreeBytes is not { } free || facts.Blocked.Contains(fileSystem.Device))
            {
                continue;
            }

            foreach (var group in ranked.Where(group => WhyNot(group, facts, fileSystem.Device) is null))
            {
                deletable += group.Frees[fileSystem.Device];
                able[group.Key] = group.Members.Count; // once, on however many file systems it is
            }

            if (!fileSystem.IsShort && !(facts.Relieved.Contains(fileSystem.Device) && free < Target(facts.MinSpace)))
            {
                continue;
            }

            foreach (var group in ranked)
            {
                if (free + expected.GetValueOrDefault(fileSystem.Device) >= Target(facts.MinSpace))
                {
                    served.Add(fileSystem.Device);
                    break;
                }

                if (taken.Contains(group.Key) || facts.Running + begin.Count >= AtOnce)
                {
                    continue;
                }

                if (WhyNot(group, facts, fileSystem.Device) is { } reason)
                {
                    skipped.Add((group, reason));
                    continue;
                }

                begin.Add(new PlannedGroup(group, fileSystem.Device, group.Frees[fileSystem.Device]));
                taken.Add(group.Key);
                foreach (var (device, bytes) in group.Frees)
                {
                    expected[device] = expected.GetValueOrDefault(device) + bytes;
                }
            }
        }

        return new CleanupPlan(begin, deletable, skipped, served) { DeletableTorrents = able.Values.Sum() };
    }

    private static CleanupPlan ForSeeded(CleanupFacts facts)
    {
        List<(CleanupGroup, string)> skipped = [];
        List<CleanupGroup> able = [];
        foreach (var group in EvictionRank.SortSeeded(facts.Groups))
        {
            if (WhyNot(group, facts, null) is { } reason)
            {
                skipped.Add((group, reason));
            }
            else
            {
                able.Add(group);
            }
        }

        return new CleanupPlan(
            [.. able.Take(Math.Max(0, SeededAtOnce - facts.Running)).Select(static group => new PlannedGroup(group, null, group.Bytes))],
            able.Sum(static group => group.Bytes),
            skipped,
            new HashSet<ulong>())
        {
            DeletableTorrents = able.Sum(static group => group.Members.Count),
        };
    }

    /// <summary>Why a group may not go for a file system; null when it may. The last word is the handoff's own.</summary>
    private static string? WhyNot(CleanupGroup group, CleanupFacts facts, ulong? device)
    {
        if (device is { } needed && group.Frees.GetValueOrDefault(needed) <= 0)
        {
            return "its delete frees nothing: other names of its files stay";
        }

        if (group.Refusal is { } refusal)
        {
            return refusal;
        }

        if (facts.Resting.Contains(group.Key))
        {
            return "it has just failed";
        }

        return group.Devices.Any(facts.Blocked.Contains) ? "not every file on its device could be looked at" : null;
    }
}
