using Microsoft.Extensions.Logging;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Status;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>Handoffs as the loop sees them: who may go, who is on the way, what became of whom.</summary>
internal sealed partial class SourceLoop
{
    private readonly ClientLists _lists;
    private readonly HandoffServices _handoff;
    private readonly HashSet<HandoffRun> _handoffs = [];
    private volatile HandoffRun[] _openHandoffs = []; // the same, for whoever counts them from another thread
    private volatile bool _isDesperate;
    private bool _noHandoffs;
    private long _handoffNumber;

    /// <summary>Why a torrent may not be handed over for such a cause; null when it may. Quick facts only: the first step asks again, both sides.</summary>
    private string? HandoffRefusal(TorrentSync sync, HandoffCause cause) => sync switch
    {
        { State: not TorrentSyncState.Synced } => $"it is {sync.State}",
        { Status: null } => "the client does not list it",
        { Completion: null } or { NeedsLook: true } => "its record is not known to be current",
        { WantsNothing: true } => "no file of it is wanted any more",
        { IsBusy: true } => "it is being looked at",
        { Hold: { } hold } => hold.Text.Length > 0 ? hold.Text : "it waits",
        _ when _noHandoffs => "the source ends",
        _ when _isLeaving && cause != HandoffCause.Drain => "the source is about to end",
        _ when sync.HandoffRestsUntil > _with.Clock.WallNow && cause != HandoffCause.Drain => "an earlier handoff turned back",
        _ => HandoffRules.FindRefusal(sync.Status, cause, _options, _with.Clock.WallNow),
    };

    /// <summary>
    /// Takes a group on its way out: every member is in <see cref="TorrentSyncState.HandingOff"/> until the group ended. False, with nothing changed,
    /// when one of them may not go.
    /// </summary>
    private bool BeginHandoff(HandoffGroup group)
    {
        var members = group.Members.Select(_syncs.GetValueOrDefault).OfType<TorrentSync>().ToArray();
        if (members.Length == 0 || members.Length != group.Members.Distinct().Count() || members.Any(sync => HandoffRefusal(sync, group.Cause) is not null))
        {
            return false;
        }

        foreach (var sync in members)
        {
            sync.Transition(TorrentSyncState.HandingOff, $"handed over ({group.Cause})");
            Persist(sync);
        }

        StartHandoff(
            group,
            new HandoffEntry
            {
                Number = ++_handoffNumber,
                Cause = group.Cause,
                BegunAt = _with.Clock.WallNow,
                FreesBytes = group.FreesBytes,
                Members = [.. members.Select(MemberOf)],
            },
            isRecovered: false);
        return true;
    }

    /// <summary>
    /// Has every group that is on its way turn back, and begins none any more: what has deleted something goes on to its end, all else is active here again.
    /// Their ends come as <see cref="OnHandoffEnded(HandoffGroup, HandoffEnd)"/>.
    /// </summary>
    private void TurnBackHandoffs(string reason)
    {
        _noHandoffs = true;
        foreach (var run in _handoffs)
        {
            run.TurnBack(reason);
        }
    }

    /// <summary>A group ended: its members are in the state that follows.</summary>
    private void OnHandoffEnded(HandoffGroup group, HandoffEnd end)
    {
        _with.Metrics.HandoffEnded(end.Result);
        CleanupEnded(group, end);
        DrainEnded(group, end);
    }

    private HandoffServices MakeHandoffServices() => new()
    {
        Options = _with.Options,
        Client = _with.Client,
        ReadBack = _readBack,
        Destination = _destination,
        Loader = _loader,
        Reader = _with.Reader,
        Journal = _with.Handoffs,
        Audit = _with.Audit,
        Records = _records,
        Lists = _lists,
        Turn = _turns,
        Shared = _sharedFiles,
        Clock = _with.Clock,
        Metrics = _with.Metrics,
        Logger = _with.Loggers.CreateLogger<HandoffRun>(),
        IsDesperate = () => _isDesperate,
        Incarnation = () => _greeting?.Incarnation,
    };

    private static HandoffMember MemberOf(TorrentSync sync) => new()
    {
        Id = sync.Id.ToString(),
        ClientId = sync.ClientId.Value,
        Name = sync.Name,
        Selection = sync.Completion?.Selection ?? [],
        WasAdopted = sync.Completion is { Adopted: true },
        WasActive = sync.Status is not { IsStopped: true },
        AddedAt = sync.Status?.AddedAt,
    };

    private void StartHandoff(HandoffGroup group, HandoffEntry entry, bool isRecovered)
    {
        Dictionary<InfoHash, HandoffFacts> facts = [];
        foreach (var member in entry.Members)
        {
            if (_syncs.TryGetValue(member.InfoHash, out var sync))
            {
                facts[sync.Id] = new HandoffFacts(sync.Content?.Manifest, RecordOf(sync));
            }
        }

        var run = new HandoffRun(_handoff, group, entry, facts, isRecovered, moved => Post(new SourceCommand.HandoffMoved(moved)));
        foreach (var id in facts.Keys)
        {
            _syncs[id].Handoff = run;
        }

        _handoffs.Add(run);
        _openHandoffs = [.. _handoffs];
        Track(Task.Run(() => RunHandoffAsync(run), CancellationToken.None));
    }

    private async Task RunHandoffAsync(HandoffRun run)
    {
        HandoffEnd? end = null;
        try
        {
            end = await run.RunAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Its entry stays: the next process goes on with it.
            Log.HandoffFaulted(_logger, run.Entry.Number, e);
        }

        if (end is null)
        {
            _with.Metrics.HandoffLeft();
        }

        await PostAsync(new SourceCommand.HandoffEnded(run, end)).ConfigureAwait(false);
    }

    private void Post(SourceCommand command) => Track(PostAsync(command));

    private void OnHandoffMoved(HandoffRun run)
    {
        var entry = run.Entry;
        foreach (var member in entry.Members)
        {
            if (_syncs.TryGetValue(member.InfoHash, out var sync) && sync.Handoff == run)
            {
                sync.WaitingFor = entry.Step switch
                {
                    HandoffStep.Announcing => WaitingReason.Announce,
                    HandoffStep.Waiting => WaitingReason.Grace,
                    HandoffStep.Confirming => WaitingReason.Peer,
                    _ => WaitingReason.None,
                };
                sync.Reason = entry.Reason.Length == 0 ? entry.Step.ToString() : $"{entry.Step}: {entry.Reason}";
            }
        }

        _isReportDue = true;
    }

    private void OnHandoffEnded(HandoffRun run, HandoffEnd? end)
    {
        _handoffs.Remove(run);
        _openHandoffs = [.. _handoffs];
        if (end is null)
        {
            return;
        }

        if (!_isStopping)
        {
            run.Dispose(); // else whoever ends the source may still suspend it
        }

        var entry = run.Entry;
        foreach (var member in entry.Members)
        {
            if (_syncs.TryGetValue(member.InfoHash, out var sync) && sync.Handoff == run)
            {
                sync.Handoff = null;
                EndHandoff(sync, member, entry, end, run.IsRecovered);
            }
        }

        _isReportDue = true;
        OnHandoffEnded(run.Group, end);
    }

    private void EndHandoff(TorrentSync sync, HandoffMember member, HandoffEntry entry, HandoffEnd end, bool wasRecovered)
    {
        if (member.IsGone)
        {
            sync.HandedOff = HandedOffRecord.Of(member, entry);
            if (sync.Transition(TorrentSyncState.HandedOff, "deleted here, with a proof"))
            {
                Tell(EngineEventKind.TorrentHandedOff, sync);
            }

            ForgetStream(sync);
        }
        else if (sync.Transition(TorrentSyncState.Synced, end.Reason))
        {
            // What the end of a process cut off is no failure of the torrent, which may go again.
            if (!wasRecovered || entry.WasRefusedByTracker)
            {
                sync.HandoffFailures++;
                sync.HandoffRestsUntil = _with.Clock.WallNow + HandoffRules.RestAfter(sync.HandoffFailures, entry.WasRefusedByTracker, end.Result);
            }

            sync.Reason = $"handed over later: {end.Reason}";
            sync.NeedsValidation = true;
            sync.NeedsLook = true;
            if (end.Result == HandoffResult.RolledBack)
            {
                Tell(EngineEventKind.TorrentRolledBack, sync, end.Reason);
            }
        }

        Persist(sync);
        Consider(sync);
    }
}
