using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Records;
using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Status;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    /// <summary>Without a tag that a user could remove, what failed is tried again each day.</summary>
    private static readonly TimeSpan UntaggedRetry = TimeSpan.FromHours(24);

    /// <summary>Asks the planner about a torrent and does what it says. Called whenever anything about the torrent changed.</summary>
    private void Consider(TorrentSync sync)
    {
        if (MayRest(sync))
        {
            return;
        }

        _inHand = sync.Id;
        var decision = SourcePlanner.Decide(FactsOf(sync));
        _isReportDue |= decision.Action != SyncAction.Wait;
        switch (decision.Action)
        {
            case SyncAction.Wait when sync.State == TorrentSyncState.HandingOff:
                break; // its handoff says what it waits for
            case SyncAction.Wait:
                sync.WaitingFor = decision.WaitingFor;
                break;
            case SyncAction.AskStatus:
                _toAsk.Add(sync);
                break;
            case SyncAction.Adopt:
                var selection = sync.Answer!.Selection;
                StartPhase(sync, (input, _, token) => _work.AdoptAsync(input, selection, token));
                break;
            case SyncAction.Initialize:
                if (sync.State == TorrentSyncState.Initializing || sync.Transition(TorrentSyncState.Initializing, decision.Reason))
                {
                    // From here on the destination may hold something of it, whatever becomes of the answer.
                    sync.OpenedThere = true;
                    StartPhase(sync, _work.InitializeAsync);
                }

                break;
            case SyncAction.Finalize:
                StartFinalize(sync, decision.Reason);
                break;
            case SyncAction.Resume:
                sync.Transition(TorrentSyncState.Initializing, decision.Reason);
                Consider(sync);
                break;
            case SyncAction.Look:
                BeginLook(sync);
                break;
            case SyncAction.Inspect:
                var filter = _filter; // the one that needs it, whatever the loop has by then
                StartPhase(sync, (input, _, token) => _work.InspectAsync(input, filter, token));
                break;
            case SyncAction.Exclude:
                Exclude(sync, IsExcluded(sync.Status) ? ExcludedByTag : decision.Reason);
                break;
            case SyncAction.Abort:
                StartPhase(sync, _work.ExcludeAsync);
                break;
            case SyncAction.Readmit or SyncAction.Retry:
                Readmit(sync, decision.Reason);
                break;
            case SyncAction.Fail:
                sync.FailedTagWasSeen = true;
                Fail(sync, decision.Reason);
                break;
            case SyncAction.Tag:
                var tag = sync.State == TorrentSyncState.Failed ? _options.SyncFailedTag : _options.SyncedTag;
                var clientId = sync.ClientId;
                StartPhase(sync, (_, _, token) => _work.TagAsync(clientId, tag, token));
                break;
            case SyncAction.Deliver:
                Deliver(sync);
                break;
        }
    }

    private SyncFacts FactsOf(TorrentSync sync) => new()
    {
        State = sync.State,
        Class = sync.Class,
        IsExcluded = IsExcluded(sync.Status),
        Filter = Filter(sync),
        HasFailedTag = _options.SyncFailedTag.Length > 0 && sync.Status is { } shown && shown.Tags.Contains(_options.SyncFailedTag),
        FailedTagWasSeen = sync.FailedTagWasSeen,
        WantsTag = WantsTag(sync),
        Answer = sync.Answer?.State,
        HasBytes = sync.Status is { CompletedBytes: > 0 },
        IsAllAcknowledged = sync.Stream is { Table.IsAllAcknowledged: true },
        HasStream = sync.Stream is not null,
        IsOwedThere = sync.OpenedThere,
        NeedsLook = IsLookDue(sync),
        NeedsValidation = sync.NeedsValidation,
        IsRetryDue = _options.SyncFailedTag.Length == 0 && sync.FailedAt + UntaggedRetry <= _with.Clock.WallNow,
        IsBusy = sync.IsBusy,
        IsHeld = sync.Hold is not null,
        PeerReady = PeerReady,
        ClientWasSeen = _hasList,
    };

    private bool WantsTag(TorrentSync sync) => sync switch
    {
        { Status: null } => false,
        _ when Now < sync.TagAgainAt => false,
        { State: TorrentSyncState.Synced } => _options.SyncedTag.Length > 0 && !sync.Status.Tags.Contains(_options.SyncedTag),
        { State: TorrentSyncState.Failed, FailedTagWasSeen: false } =>
            _options.SyncFailedTag.Length > 0 && !sync.Status.Tags.Contains(_options.SyncFailedTag),
        _ => false,
    };

    private void StartFinalize(TorrentSync sync, string reason)
    {
        if (sync.State != TorrentSyncState.Finalizing)
        {
            var isAttached = sync.Stream is not { Table.IsAllAcknowledged: true };
            if (!sync.Transition(TorrentSyncState.Finalizing, reason))
            {
                return;
            }

            sync.AllArrived |= !isAttached;
            sync.OpenedThere = true;
            sync.ArrivedAt ??= _with.Clock.WallNow;
            Persist(sync);
            _isScheduleDue = true;
        }

        if (!PeerReady)
        {
            return;
        }

        if (sync.IsGivenUpThere)
        {
            // Finalize alone would be answered by the attempt that failed: a strike that tries nothing.
            sync.Answer = null;
            sync.Transition(TorrentSyncState.Initializing, "it is tried again");
            Consider(sync);
            return;
        }

        StartPhase(sync, _work.FinalizeAsync);
    }

    private void Exclude(TorrentSync sync, string reason)
    {
        var wasUnderWay = sync.OpenedThere;
        var hadRecord = wasUnderWay || sync.State != TorrentSyncState.Discovered; // a list that forbids most of a library must not make a file for each
        if (!sync.Transition(TorrentSyncState.Excluded, reason))
        {
            return;
        }

        ForgetStream(sync);
        if (wasUnderWay)
        {
            _with.Metrics.SyncAborted();
        }

        if (hadRecord)
        {
            Persist(sync);
        }

        Consider(sync);
    }

    private void Readmit(TorrentSync sync, string reason)
    {
        var next = sync is { State: TorrentSyncState.Removing, Completion: not null } ? TorrentSyncState.Synced : TorrentSyncState.Discovered;
        if (!sync.Transition(next, reason))
        {
            return;
        }

        sync.Strikes.Clear();
        sync.FailedAt = null;
        sync.FailedTagWasSeen = false;
        sync.Answer = null;
        sync.NeedsValidation = next == TorrentSyncState.Synced; // the outcome of its removal may have begun there
        Persist(sync);
        Consider(sync);
    }

    private void Fail(TorrentSync sync, string reason)
    {
        if (!sync.Transition(TorrentSyncState.Failed, reason))
        {
            return;
        }

        sync.FailedAt = _with.Clock.WallNow;
        Tell(EngineEventKind.TorrentFailed, sync, reason);
        ForgetStream(sync);
        Persist(sync);
        Consider(sync);
    }

    /// <summary>Counts a permanent fault; the third makes the torrent fail. True when it did.</summary>
    private bool Strike(TorrentSync sync, string reason)
    {
        var now = _with.Clock.WallNow;
        if (!sync.Strikes.Add(now))
        {
            return false;
        }

        Log.Strike(_logger, sync.Name, sync.Id, sync.Strikes.At.Count, StrikeLedger.Limit, reason);
        if (!sync.Strikes.IsOut(now))
        {
            Persist(sync);
            return false;
        }

        _with.Metrics.SyncFailed();
        Fail(sync, reason);
        return true;
    }

    /// <summary>Lets a torrent rest in its state. One log line for each new reason.</summary>
    private void Rest(TorrentSync sync, WaitingReason waitingFor, FaultClass? fault, TimeSpan? retryAfter, string text)
    {
        sync.Failures++;
        var delay = fault is { } known ? _faults.Delay(known, sync.Failures, _with.Chance.Next()) : _options.Sleep;
        if (retryAfter is { } asked && fault is FaultClass.Capacity or FaultClass.TransientPeer && retryAfter > delay)
        {
            delay = retryAfter.Value;
        }

        // A destination that asks for patience once or twice is no news.
        if (fault is FaultClass.TransientPeer ? sync.Failures == 3 : text != sync.Reason)
        {
            Log.Held(_logger, sync.Name, sync.Id, text);
        }

        sync.Reason = text;
        sync.Hold = new Hold(waitingFor, fault, Now + delay, text, sync.Failures);
        sync.WaitingFor = waitingFor;
        _isReportDue = true;
    }

    private void ForgetStream(TorrentSync sync)
    {
        if (sync.Stream is { } stream)
        {
            stream.Close();
            _acks.Remove(stream);
            sync.Stream = null;
        }

        sync.Content = null;
        _loader.Forget(sync.ClientId);
        _monitor.Unregister(sync.ClientId);
        _with.Reader.Forget(sync.Id);
        _isScheduleDue = true;
    }

    /// <summary>Gives the right to send: the only place that does, on the way into Streaming.</summary>
    private void Grant(TorrentSync sync, ulong incarnation, ulong epoch, ulong? losses, Pieces.PieceBitmap have, Pieces.PieceBitmap deferred)
    {
        var stream = sync.Stream!;
        var isSame = _lastGrants.TryGetValue(stream.Id, out var last) && last == (incarnation, epoch);
        var first = _scheduler.NextAttempt;
        stream.Table.ApplyDestination(have, deferred, isSame ? null : first);
        stream.Give(new StreamGrant(incarnation, epoch, first));
        (stream.KnownLosses, stream.NeedsBitmaps, stream.HealAfter) = (losses, false, null);
        _lastGrants[stream.Id] = (incarnation, epoch);
    }
}
