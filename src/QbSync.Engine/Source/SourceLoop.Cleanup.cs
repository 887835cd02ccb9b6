using QbSync.Engine.Source.Cleanup;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Tracking;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>Which synced torrents leave for want of space, or since they have seeded enough. What is not known lets nothing go.</summary>
internal sealed partial class SourceLoop
{
    private static readonly TimeSpan RestAfterFailure = TimeSpan.FromMinutes(5);
    private readonly FreeSpace _space;
    private readonly SpaceSampler _sampler;
    private readonly PathIndex _index;
    private readonly SharedFiles _sharedFiles;
    private readonly DeleteTurns _turns;
    private readonly DensityLevels _levels = new();
    private readonly HashSet<ulong> _relieved = [];
    private readonly HashSet<ulong> _warned = [];
    // Groups on their way by their first member, which is in no other, with their keys.
    private readonly Dictionary<InfoHash, string> _leaving = [];
    private readonly Dictionary<string, TimeSpan> _restUntil = new(StringComparer.Ordinal);
    private readonly HashSet<string> _tooYoung = new(StringComparer.Ordinal);
    private IReadOnlyList<SpaceState> _spaceStates = [];
    private ClientSnapshot? _lastSeen;
    private GroupLook? _groupLook;
    private bool _isLooking;
    private TimeSpan _cleanupDueAt;
    private long _deletableBytes;
    private int _deletableTorrents;
    private string _stuck = "";

    private bool IsCleanupOn => _options.Handoff.Mode switch
    {
        HandoffMode.Pressure => _options.MinSpace > 0,
        HandoffMode.Seeded => true,
        HandoffMode.Never => false,
    };

    private bool IsShort => _spaceStates.Any(state => state.IsShort || (state.FreeBytes is not null && _relieved.Contains(state.Device)));

    private void SeeForCleanup(ClientSnapshot snapshot)
    {
        _lastSeen = snapshot;
        _with.Metrics.CycleListReused();
        _index.See(snapshot);
        _sampler.See(snapshot);
    }

    private void OnSpace(SpaceSample sample)
    {
        _space.Add(sample, Now);
        ReadSpace();
        TellSpace();
        foreach (var device in _turns.See(_spaceStates))
        {
            Log.SpaceNotReleased(_logger, RootsOn(device), DeleteTurns.Patience.TotalSeconds, DeleteTurns.Rest.TotalMinutes);
        }

        if (_spaceStates.Any(state => state.IsShort && _relieved.Add(state.Device)))
        {
            Log.ShortOfSpace(
                _logger, string.Join(", ", _spaceStates.Where(static state => state.IsShort).Select(state => RootsOn(state.Device))), _options.MinSpace);
            _cleanupDueAt = Now;
        }
    }

    /// <summary>What is known now: a figure grows old by itself.</summary>
    private void ReadSpace()
    {
        _spaceStates = _space.GetStates(Now);
        _scheduler.SetShortOfSpace(_spaceStates.Any(state => state.FreeBytes < _options.MinSpace));
        _isDesperate = _spaceStates.Any(state => state.FreeBytes < _options.MinSpace / 4);
        foreach (var state in _spaceStates)
        {
            if (state.FreeBytes is not null)
            {
                _warned.Remove(state.Device);
            }
            else if (IsCleanupOn && _warned.Add(state.Device))
            {
                Log.SpaceUnknown(_logger, RootsOn(state.Device), state.Problem);
            }
        }
    }

    private string RootsOn(ulong device) => string.Join(", ", _space.RootsOn(device));

    /// <summary>Looks for what may leave, when that is due.</summary>
    private void Clean()
    {
        ReadSpace();
        _sampler.IsHurried = _turns.IsAwaited;
        var isNear = _options.Handoff.Mode == HandoffMode.Seeded || _spaceStates.Any(state => state.FreeBytes < _options.MinSpace * 2.0);
        _index.Want(IsCleanupOn && isNear, IsShort);
        if (IsCleanupOn && isNear && !_isLooking && Now >= _cleanupDueAt)
        {
            _isLooking = true;
            Track(Task.Run(LookForGroupsAsync, CancellationToken.None));
        }
    }

    private async Task LookForGroupsAsync()
    {
        GroupLook? look = null;
        var isIncomplete = false;
        var began = Now;
        try
        {
            look = GroupLook.At(_index, _phasesEnd.Token);
            isIncomplete = look is null;
        }
        catch (OperationCanceledException) when (_phasesEnd.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.GroupsUnknown(_logger, e.Message);
        }

        await PostAsync(new SourceCommand.Grouped(look, Now - began, isIncomplete)).ConfigureAwait(false);
    }

    private void OnGrouped(SourceCommand.Grouped grouped)
    {
        _isLooking = false;
        _groupLook = grouped.Look;

        _cleanupDueAt = Now + LookPace.PauseAfter(grouped.Took, IsShort || _options.Handoff.Mode == HandoffMode.Seeded, grouped.IsIndexIncomplete);
        Plan();
    }

    /// <summary>Decides by what the latest look told, and begins what is to go.</summary>
    private void Plan()
    {
        (_deletableBytes, _deletableTorrents) = (0, 0);
        if (_groupLook is not { } look)
        {
            return;
        }

        var blocked = BlockedBy(look);
        var whyNot = look.Failed.Count > 0 && blocked is null ? $"'{look.Failed[0]}' cannot be looked at" : WhyNoPass();
        if (whyNot is not null || blocked is null)
        {
            Log.NoPass(_logger, whyNot ?? "");
            return;
        }

        var facts = FactsOf(look, blocked);
        var plan = CleanupPlanner.Plan(facts);
        if (!PeerReady)
        {
            Log.NoPass(_logger, "the destination does not answer");
            foreach (var _ in plan.Begin.SelectMany(static planned => planned.Group.Members))
            {
                _with.Metrics.DeleteBlocked(DeleteBlock.DestinationUnreachable);
            }

            return;
        }

        (_deletableBytes, _deletableTorrents) = (plan.DeletableBytes, plan.DeletableTorrents);
        _relieved.RemoveWhere(device => !_spaceStates.Any(state => state.Device == device && state.IsShort)
            && (plan.Served.Contains(device) || !plan.Begin.Any(planned => planned.Device == device)) && _leaving.Count == 0);
        CountSkipped(plan.Skipped, facts.Groups);
        foreach (var planned in plan.Begin)
        {
            Begin(planned);
        }

        TellIfStuck(plan);
    }

    /// <summary>Why nothing is begun at all, whatever is short.</summary>
    private string? WhyNoPass() => this switch
    {
        { _lastSeen: null } or { _clientOk: not true } => "the client does not answer",
        { _lastSeen: var seen } when Now - seen.At > FreeSpace.Oldest => "the client's list is old",

        // A client that came up with a part of its profile: what it does not list owns files all the same.
        _ when _syncs.Values.Any(static sync => sync is
        {
            Status: null, State: not (TorrentSyncState.Removing or TorrentSyncState.Removed or TorrentSyncState.HandingOff or TorrentSyncState.HandedOff)
        }) => "the client does not list a torrent of which no removal is believed",
        _ => null,
    };

    /// <summary>One line when space is short and nothing may go, and one for each other first reason.</summary>
    private void TellIfStuck(CleanupPlan plan)
    {
        var reason = _leaving.Count > 0 || !_spaceStates.Any(static state => state.IsShort) ? ""
            : plan.Skipped.Count > 0 ? plan.Skipped[0].Reason : "nothing that is synced is left";
        if (reason != _stuck && reason.Length > 0)
        {
            Log.NothingMayGo(_logger, reason);
        }

        _stuck = reason;
    }

    private void Begin(PlannedGroup planned)
    {
        var group = new HandoffGroup(
            [.. planned.Group.Members.Select(static member => member.Id)],
            planned.Device is null ? HandoffCause.Seeded : HandoffCause.Pressure,
            planned.Bytes);
        if (planned.Device is { } device)
        {
            _turns.Register(group, device, planned.Group.Frees);
        }

        _leaving[group.Members[0]] = planned.Group.Key;
        if (!BeginHandoff(group))
        {
            _leaving.Remove(group.Members[0]);
            _turns.Ended(group);
            _restUntil[planned.Group.Key] = Now + RestAfterFailure;
            return;
        }

        Log.GroupLeaves(_logger, string.Join(", ", planned.Group.Members.Select(static member => member.Name)), group.Cause, planned.Bytes);
    }

    /// <summary>A group's handoff ended, whatever its cause.</summary>
    private void CleanupEnded(HandoffGroup group, HandoffEnd end)
    {
        _turns.Ended(group);
        if (group.Cause is HandoffCause.Pressure or HandoffCause.Drain)
        {
            _with.Metrics.CleanupGroup(end.Result == HandoffResult.HandedOff);
        }

        if (_leaving.Remove(group.Members[0], out var key) && end.Result != HandoffResult.HandedOff)
        {
            _restUntil[key] = Now + RestAfterFailure;
        }

        _cleanupDueAt = Now;
    }
}
