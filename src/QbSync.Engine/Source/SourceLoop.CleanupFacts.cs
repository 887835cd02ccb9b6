using QbSync.Engine.Source.Cleanup;
using QbSync.Engine.Source.Handoff;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private CleanupFacts FactsOf(GroupLook look, IReadOnlySet<ulong> blocked)
    {
        var groups = GroupsOf(look);
        _levels.Keep(groups.Select(static group => group.Key).ToHashSet(StringComparer.Ordinal));
        foreach (var rested in _restUntil.Where(rest => rest.Value <= Now).Select(static rest => rest.Key).ToList())
        {
            _restUntil.Remove(rested);
        }

        return new CleanupFacts
        {
            Mode = _options.Handoff.Mode,
            Order = _options.Handoff.Eviction,
            MinSpace = _options.MinSpace,
            FileSystems = _spaceStates,
            Relieved = _relieved,
            Blocked = blocked,
            Groups = groups,
            Resting = _restUntil.Keys.ToHashSet(StringComparer.Ordinal),
            Running = Math.Max(_handoffs.Count, _turns.Count), // with those that are gone and of which the space is not back
            Expected = ExpectedBytes(),
        };
    }

    /// <summary>Devices that rest, and those on which a file could not be looked at; null for all, when it is not known on which that is.</summary>
    private HashSet<ulong>? BlockedBy(GroupLook look)
    {
        HashSet<ulong> blocked = [.. _spaceStates.Select(static state => state.Device).Where(_turns.IsResting)];
        foreach (var path in look.Failed)
        {
            if (_space.DeviceOfPath(path) is not { } device)
            {
                return null;
            }

            blocked.Add(device);
        }

        return blocked;
    }

    /// <summary>Per device what is on its way. Where a group of an earlier process frees what it said is not known: it counts everywhere.</summary>
    private Dictionary<ulong, long> ExpectedBytes()
    {
        var expected = _turns.GetExpected();
        foreach (var entry in _handoffs.Select(static run => run.Entry).Where(entry => !entry.AnyGone && !_leaving.ContainsKey(entry.Members[0].InfoHash)))
        {
            foreach (var state in _spaceStates)
            {
                expected[state.Device] = expected.GetValueOrDefault(state.Device) + entry.FreesBytes;
            }
        }

        return expected;
    }

    /// <summary>Groups under pressure leave whole; for the others it is enough that those go together that share paths.</summary>
    private List<CleanupGroup> GroupsOf(GroupLook look)
    {
        List<CleanupGroup> groups = [];
        var cause = _options.Handoff.Mode == HandoffMode.Seeded ? HandoffCause.Seeded : HandoffCause.Pressure;
        foreach (var linked in look.Groups)
        {
            IReadOnlyList<IReadOnlyList<IndexedTorrent>> parts = cause == HandoffCause.Pressure ? [linked.Members] : linked.PathParts;
            foreach (var part in parts)
            {
                groups.Add(GroupOf(part, linked.Doubt, cause));
            }
        }

        return groups;
    }

    private CleanupGroup GroupOf(IReadOnlyList<IndexedTorrent> members, string doubt, HandoffCause cause)
    {
        var frees = LinkedGroup.FreesOf(members);
        var bytes = frees.Values.Sum();
        var key = members[0].Id.Value;
        var uploads = members.Sum(member => _uploads.Of(member.Status));
        return new CleanupGroup(
            key,
            [.. members.Select(member => MemberOf(member.Status, cause))],
            frees,
            members.SelectMany(static member => member.Files).Select(static file => file.Inode?.Id.Device).OfType<ulong>().ToHashSet(),
            bytes > 0 ? _levels.Of(key, uploads / bytes) : DensityLevels.Silent,
            doubt);
    }

    private CleanupMember MemberOf(TorrentStatus status, HandoffCause cause)
    {
        // The look may be older than the latest snapshot, which counts.
        if (!_byClientId.TryGetValue(status.Id, out var sync))
        {
            return new CleanupMember(default, status.Name, "it is not synced");
        }

        var refusal = HandoffRefusal(sync, cause);
        return new CleanupMember(sync.Id, sync.Name, refusal)
        {
            IsTooYoung = refusal is not null && IsKeptByAgeAlone(sync),
            Peers = Math.Max(0, status.Seeds ?? 0) + Math.Max(0, status.Leechers ?? 0),
            Seeding = HandoffRules.SeedingTimeOf(status, _with.Clock.WallNow),
            CompletedAt = status.CompletedAt,
        };
    }

    private bool IsKeptByAgeAlone(TorrentSync sync) =>
        HandoffRefusal(sync, HandoffCause.Drain) is null && sync.Status is { } status && !(sync.HandoffRestsUntil > _with.Clock.WallNow)
        && HandoffRules.SeedingTimeOf(status, _with.Clock.WallNow) < _options.Handoff.MinSeedingTime
        && !status.Tags.Contains(_options.Handoff.ExcludeCleanupTag);

    /// <summary>Counts and tells each group once that would go if it had seeded long enough.</summary>
    private void CountSkipped(IReadOnlyList<(CleanupGroup Group, string Reason)> skipped, IReadOnlyList<CleanupGroup> all)
    {
        foreach (var _ in skipped.SelectMany(static skip => skip.Group.KeptByOthers).Select(static member => member.Id).Distinct())
        {
            _with.Metrics.DeleteBlocked(DeleteBlock.SharedFiles);
        }

        foreach (var (group, reason) in skipped)
        {
            Log.GroupSkipped(_logger, group.Members[0].Name, group.Members.Count, reason);
            if (group.IsTooYoung && _tooYoung.Add(group.Key))
            {
                // What seeds on until it has seeded enough is no cleanup yet.
                if (_options.Handoff.Mode == HandoffMode.Pressure)
                {
                    _with.Metrics.CleanupSkippedSeeding();
                }
            }
        }

        // Only its age, or its end, lets one be counted anew: what keeps it for a moment besides, such as a look at it, makes it no other one.
        _tooYoung.IntersectWith(all.Where(group => group.LeastSeeding < _options.Handoff.MinSeedingTime).Select(static group => group.Key));
    }
}
