using QbSync.Engine.Source.Handoff;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>Handoffs over restarts, and what is kept of those that ended.</summary>
internal sealed partial class SourceLoop
{
    private static readonly TimeSpan HandoffGrace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HandedOffFor = TimeSpan.FromDays(30);
    private static readonly TimeSpan HandedOffLooks = TimeSpan.FromHours(1);
    private static readonly TimeSpan StaleListsFor = TimeSpan.FromMinutes(5);
    private TimeSpan _handedOffLookedAt;

    /// <summary>Takes up the handoffs that earlier processes left open, before anything else begins.</summary>
    private void RestoreHandoffs(IReadOnlyList<HandoffEntry> entries)
    {
        HashSet<InfoHash> named = [];
        foreach (var entry in entries)
        {
            _handoffNumber = Math.Max(_handoffNumber, entry.Number);
            foreach (var member in entry.Members)
            {
                named.Add(member.InfoHash);
                Revive(member);
            }

            StartHandoff(entry.Group, entry, isRecovered: true);
        }

        // Its entry was lost: what both sides show decides, as after a start whose answer was lost.
        foreach (var sync in _syncs.Values.Where(sync => sync.State == TorrentSyncState.HandingOff && !named.Contains(sync.Id)).ToArray())
        {
            var entry = new HandoffEntry
            {
                Number = ++_handoffNumber,
                Step = HandoffStep.Starting,
                BegunAt = _with.Clock.WallNow,
                MayBeActiveThere = true,
                StopWasSent = true,
                Members = [MemberOf(sync)],
            };
            StartHandoff(entry.Group, entry, isRecovered: true);
        }
    }

    private void Revive(HandoffMember member)
    {
        var id = member.InfoHash;
        if (_syncs.TryGetValue(id, out var known) && known.State == TorrentSyncState.HandingOff)
        {
            return;
        }

        // The entry is newer than the record, or the record was lost: the entry counts.
        var sync = Add(id, member.Handle, member.Name);
        if (known is not null)
        {
            _byClientId.Remove(known.ClientId);
            _byClientId[sync.ClientId] = sync;
            (sync.Completion, sync.Finalize, sync.FirstSeen) = (known.Completion, known.Finalize, known.FirstSeen);
        }

        sync.OpenedThere = sync.AllArrived = true;
        sync.Begin(TorrentSyncState.HandingOff, "an open handoff names it");
    }

    /// <summary>A torrent is in the client's list.</summary>
    private void OnListed(TorrentSync sync, TorrentStatus status)
    {
        sync.Handoff?.OnListed(sync.Id);
        if (sync.State == TorrentSyncState.HandedOff && IsAnew(sync, status)
            && sync.Transition(TorrentSyncState.Discovered, "it was added anew"))
        {
            (sync.HandedOff, sync.Completion, sync.Answer) = (null, null, null);
            (sync.HandoffFailures, sync.HandoffRestsUntil) = (0, null);
            sync.FirstSeen = _with.Clock.WallNow;
            sync.ArrivedAt = sync.FinishedAt = null;
            sync.OpenedThere = sync.AllArrived = false;
            Persist(sync);
        }
    }

    /// <summary>Another addition than the one that was deleted; or the same, long after its delete: a client whose profile was put back.</summary>
    private bool IsAnew(TorrentSync sync, TorrentStatus status) => sync.HandedOff is not { } kept
        || status.AddedAt != kept.AddedAt || _with.Clock.WallNow - kept.At > StaleListsFor;

    private void TickHandoffs()
    {
        if (Now - _handedOffLookedAt < HandedOffLooks)
        {
            return;
        }

        _handedOffLookedAt = Now;
        foreach (var sync in _syncs.Values.Where(IsLongGone).ToArray())
        {
            _syncs.Remove(sync.Id);
            _byClientId.Remove(sync.ClientId);
            _lastGrants.Remove(sync.Id);
            _moved.Remove(sync.Id);
            Write(sync.Id, null);
        }
    }

    private bool IsLongGone(TorrentSync sync) => sync is { State: TorrentSyncState.HandedOff, Status: null }
        && (sync.HandedOff is not { } kept || _with.Clock.WallNow - kept.At > HandedOffFor);

    /// <summary>
    /// No new handoff; one in which nobody may seed is turned back, one that deletes or turns back has a moment, all others are left to the next process: their
    /// torrents seed at the destination.
    /// </summary>
    /// <returns>Ends when those that have a moment have ended.</returns>
    private Task TurnBackBetween()
    {
        _noHandoffs = true;
        List<Task> ends = [];
        foreach (var run in _handoffs)
        {
            if (run.IsBetween)
            {
                run.TurnBack("the source ends");
            }

            if (run.IsBetween || run.Entry.Step is HandoffStep.Deleting or HandoffStep.RollingBack)
            {
                ends.Add(run.Ended);
            }
            else
            {
                run.Suspend();
            }
        }

        return Task.WhenAll(ends);
    }

    private async Task EndHandoffsAsync(Task ends, CancellationToken hurry)
    {
        await Within(ends, HandoffGrace, ShortRollbackGrace, hurry).ConfigureAwait(false);
        foreach (var run in _openHandoffs)
        {
            run.Suspend();
        }
    }
}
