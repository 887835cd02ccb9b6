using QbSync.Engine.Shared;
using QbSync.Engine.Source.Handoff;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>
/// Orders deletes under pressure, for each file system: one at a time, and the next when the space of the one before has become visible. A file system that
/// does not give its space back within two minutes rests for ten, so that nothing is deleted for nothing. Thread-safe; fed by the loop.
/// </summary>
internal sealed class DeleteTurns(MonotonicClock clock, long minSpace) : IDeleteTurn
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    public static readonly TimeSpan Rest = TimeSpan.FromMinutes(10);
    private readonly Lock _gate = new();
    private long _minSpace = minSpace;
    private readonly Dictionary<InfoHash, DeleteClaim> _claims = []; // by the first member of the group, which is in no other
    private readonly Dictionary<ulong, DeleteLine> _lines = [];

    /// <summary>Below it a file system is short of space.</summary>
    public void SetMinSpace(long bytes)
    {
        lock (_gate)
        {
            _minSpace = bytes;
        }
    }

    /// <summary>Whether free space should be looked at often, since a delete waits for it.</summary>
    public bool IsAwaited
    {
        get
        {
            lock (_gate)
            {
                return _claims.Values.Any(static claim => claim.Step != DeleteStep.Coming);
            }
        }
    }

    /// <summary>Groups that are on their way, or deleted and not visible yet.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _claims.Count;
            }
        }
    }

    /// <summary>Says for which file system a group goes, before it begins.</summary>
    public void Register(HandoffGroup group, ulong device, IReadOnlyDictionary<ulong, long> frees)
    {
        lock (_gate)
        {
            _claims[group.Members[0]] = new DeleteClaim(device, frees);
        }
    }

    /// <inheritdoc />
    public async Task<bool> WaitAsync(HandoffGroup group, CancellationToken cancellationToken)
    {
        if (group.Cause != HandoffCause.Pressure)
        {
            return true;
        }

        Task<bool> turn;
        lock (_gate)
        {
            if (!_claims.TryGetValue(group.Members[0], out var claim))
            {
                // One that an earlier process began: what it frees where is not known, so it is seen as of the first file system.
                _claims[group.Members[0]] = claim = new DeleteClaim(null, new Dictionary<ulong, long>()) { Bytes = group.FreesBytes };
            }

            if (claim.Step is DeleteStep.Deleting or DeleteStep.Deleted)
            {
                return true; // asked again after a delete that did not work: the turn is still its own
            }

            turn = claim.Wait(clock.Now);
        }

        Advance();
        try
        {
            return await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Leave(group);
            throw;
        }
    }

    /// <inheritdoc />
    public void OnDeleted(HandoffGroup group)
    {
        lock (_gate)
        {
            if (_claims.TryGetValue(group.Members[0], out var claim) && claim.Step != DeleteStep.Deleted)
            {
                claim.Deleted(clock.Now);
            }
        }

        Advance();
    }

    /// <summary>A group ended, well or not. What it deleted is awaited all the same.</summary>
    public void Ended(HandoffGroup group)
    {
        lock (_gate)
        {
            if (_claims.TryGetValue(group.Members[0], out var claim) && claim.Step != DeleteStep.Deleted)
            {
                Remove_NeedsLock(group.Members[0], claim);
            }
        }

        Advance();
    }

    /// <summary>Takes the latest free space in; what has become visible lets the next one go. Devices that did not give their space back.</summary>
    public IReadOnlyList<ulong> See(IReadOnlyList<SpaceState> states)
    {
        List<ulong> unreleased = [];
        lock (_gate)
        {
            foreach (var state in states)
            {
                if (!_lines.TryGetValue(state.Device, out var line))
                {
                    _lines[state.Device] = line = new DeleteLine();
                }

                line.Free = state.FreeBytes;
            }

            foreach (var gone in _lines.Keys.Except(states.Select(static state => state.Device)).ToList())
            {
                _lines[gone].Free = null;
            }

            foreach (var (first, claim) in _claims.ToList())
            {
                claim.Device ??= states.Count > 0 ? states[0].Device : null;
                if (claim.Device is not { } device || !_lines.TryGetValue(device, out var line))
                {
                    continue;
                }

                claim.See(line.Free);
                if (claim.Step != DeleteStep.Deleted)
                {
                    continue;
                }

                if (claim.IsSeen(line.Free))
                {
                    Remove_NeedsLock(first, claim);
                }
                else if (clock.Now - claim.At >= Patience)
                {
                    line.RestsUntil = clock.Now + Rest;
                    unreleased.Add(device);
                    Remove_NeedsLock(first, claim);
                }
            }
        }

        Advance();
        return unreleased;
    }

    /// <summary>Whether a file system rests, since it did not give its space back.</summary>
    public bool IsResting(ulong device)
    {
        lock (_gate)
        {
            return _lines.TryGetValue(device, out var line) && clock.Now < line.RestsUntil;
        }
    }

    /// <summary>Per device what groups on their way will free, and what was deleted and is not visible yet.</summary>
    public Dictionary<ulong, long> GetExpected()
    {
        Dictionary<ulong, long> expected = [];
        lock (_gate)
        {
            foreach (var (device, bytes) in _claims.Values.SelectMany(static claim => claim.Frees))
            {
                expected[device] = expected.GetValueOrDefault(device) + bytes;
            }
        }

        return expected;
    }

    private void Leave(HandoffGroup group)
    {
        lock (_gate)
        {
            if (_claims.TryGetValue(group.Members[0], out var claim))
            {
                claim.Leave();
            }
        }
    }

    /// <summary>Gives the turns that are free.</summary>
    private void Advance()
    {
        List<(DeleteClaim Claim, bool MayDelete)> granted = [];
        lock (_gate)
        {
            foreach (var claim in _claims.Values.Where(static claim => claim.Step == DeleteStep.Waiting).OrderBy(static claim => claim.At))
            {
                var line = claim.Device is { } device ? _lines.GetValueOrDefault(device) : null;
                if (line?.Free is not { } free)
                {
                    // Nothing is deleted on a figure that is not known, and nothing waits for one for ever.
                    if (clock.Now - claim.At >= Rest)
                    {
                        claim.Leave();
                        granted.Add((claim, false));
                    }

                    continue;
                }

                if (free >= CleanupPlanner.Target(_minSpace))
                {
                    claim.Leave();
                    granted.Add((claim, false));
                }
                else if (clock.Now >= line.RestsUntil && !_claims.Values.Any(other => other.Device == claim.Device && other.HasTurn))
                {
                    claim.Take(free);
                    granted.Add((claim, true));
                }
            }
        }

        foreach (var (claim, mayDelete) in granted)
        {
            claim.Tell(mayDelete);
        }
    }

    private void Remove_NeedsLock(InfoHash first, DeleteClaim claim)
    {
        _claims.Remove(first);
        claim.Leave();
    }
}
