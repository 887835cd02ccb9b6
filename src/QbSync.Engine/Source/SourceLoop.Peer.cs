using QbSync.Engine.Source.Peers;
using QbSync.Engine.Status;
using QbSync.Ports;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private const int BatchSize = 256;
    private const int BatchesAtOnce = 4;
    private const int ValidatedPerCycle = 1024;
    private readonly HashSet<TorrentSync> _toAsk = [];
    private volatile DestinationGreeting? _greeting;
    private string _peerProblem = "";
    private bool? _peerOk;
    private bool _isParked;
    private int _batches;
    private TimeSpan _validatedAt;
    private int _nextToValidate;

    private void OnPeer(PeerEvent news)
    {
        _isReportDue = true;
        switch (news)
        {
            case PeerEvent.Up up:
                OnPeerUp(up.Greeting);
                break;
            case PeerEvent.Down down:
                _peerOk = false;
                _peerProblem = down.Problem;
                _isParked = down.IsParked;
                break;
            case PeerEvent.Told told:
                OnTold(told.Update);
                break;
        }

        HoldDialing();
    }

    /// <summary>Nothing dials behind an open gate: the watcher's greeting alone finds out when the destination is back.</summary>
    private void HoldDialing() => _link?.SetDialing(_peer.State == PeerGateState.Closed);

    private void OnPeerUp(DestinationGreeting greeting)
    {
        _peerOk = true;
        _peerProblem = "";
        _isParked = false;
        var isNew = _greeting is { } before && before.Incarnation != greeting.Incarnation;
        _greeting = greeting;
        if (!_isStopping)
        {
            _link ??= _destination.OpenLink(_acks);
            ApplyRate();
            _pump.EnsureWorkers(_link);
        }

        foreach (var sync in _syncs.Values.ToArray())
        {
            if (isNew)
            {
                OnNewIncarnation(sync, greeting.Incarnation);
            }

            // What waited for the destination goes on at once; what it refused for want of room or by a conflict keeps its own time.
            if (sync.Hold?.Fault == FaultClass.TransientPeer)
            {
                sync.Hold = null;
            }

            Consider(sync);
        }
    }

    /// <summary>The destination lost what was not durable: what streams is opened anew, what it answered counts no more. Never a fault of a torrent.</summary>
    private void OnNewIncarnation(TorrentSync sync, ulong incarnation)
    {
        sync.Answer = null;
        sync.NeedsValidation |= sync.State == TorrentSyncState.Synced;
        if (sync is { State: TorrentSyncState.Streaming, Stream: { } stream } && stream.Grant?.Incarnation != incarnation)
        {
            sync.Transition(TorrentSyncState.Initializing, "the destination was restarted");
            _isScheduleDue = true;
        }
    }

    private void OnLink(bool connected)
    {
        _isReportDue = true;
        HoldDialing();
    }

    private void OnTold(DestinationUpdate update)
    {
        switch (update)
        {
            case DestinationUpdate.HaveChanged changed when _syncs.TryGetValue(changed.Id, out var sync):
                OnHaveChanged(sync, changed);
                break;
            case DestinationUpdate.Changed changed when _syncs.TryGetValue(changed.Status.Id, out var sync):
                OnStatusChanged(sync, changed.Status);
                break;
            case DestinationUpdate.Room:
                _capacity.Clear();
                ReleaseHolds(FaultClass.Capacity);
                _pulse.Pulse();
                break;
        }
    }

    private void OnHaveChanged(TorrentSync sync, DestinationUpdate.HaveChanged changed)
    {
        if (sync is not { State: TorrentSyncState.Streaming, Stream: { Grant: { } grant } stream })
        {
            return;
        }

        if (changed.Have.Length != stream.Table.PieceCount || changed.Deferred.Length != stream.Table.PieceCount)
        {
            OnBreach(sync, $"The destination tells {changed.Have.Length} pieces of a torrent with {stream.Table.PieceCount}.");
            return;
        }

        if (grant.Epoch == changed.Epoch)
        {
            OnPushed(stream, changed.Losses);
            stream.Table.ApplyDestination(changed.Have, changed.Deferred, null);
            _pulse.Pulse();
        }
        else
        {
            sync.Transition(TorrentSyncState.Initializing, "the destination's epoch changed");
        }

        Consider(sync);
    }

    private void OnStatusChanged(TorrentSync sync, DestinationTorrentStatus status)
    {
        switch (sync.State)
        {
            case TorrentSyncState.Streaming when sync.Stream?.Grant is { } grant
                && status.State is DestinationTorrentState.Receiving && status.Epoch != grant.Epoch:
                sync.Transition(TorrentSyncState.Initializing, "the destination's epoch changed");
                break;
            case TorrentSyncState.Streaming when sync.Stream is { Grant: not null } stream && status.State is DestinationTorrentState.Receiving:
                OnLosses(stream, status.Losses);
                return;
            case TorrentSyncState.Discovered:
                sync.Answer = null;
                break;
            case TorrentSyncState.Synced when status.State is DestinationTorrentState.Absent or DestinationTorrentState.Receiving
                or DestinationTorrentState.Failed:
                sync.NeedsValidation = true;
                break;
            default:
                return;
        }

        Consider(sync);
    }

    /// <summary>In each housekeeping cycle the destination is asked about some of the synced torrents, in turn: a record alone proves nothing.</summary>
    private void Validate()
    {
        if (Now - _validatedAt < _options.Sleep || !PeerReady)
        {
            return;
        }

        _validatedAt = Now;
        var synced = _syncs.Values.Where(sync => sync.State == TorrentSyncState.Synced).ToArray();
        for (var i = 0; i < Math.Min(ValidatedPerCycle, synced.Length); i++)
        {
            var sync = synced[_nextToValidate++ % synced.Length];
            sync.NeedsValidation = true;
            Consider(sync);
        }
    }

    /// <summary>Sends the questions that have gathered, in batches.</summary>
    private void AskStatuses()
    {
        while (_toAsk.Count > 0 && _batches < BatchesAtOnce && PeerReady && !_isStopping)
        {
            // Selections are wanted of what may be adopted; of what was synced the state is enough.
            var withBitmaps = _toAsk.Any(sync => sync.State == TorrentSyncState.Discovered);
            List<(TorrentSync Sync, int Run)> batch = [];
            foreach (var sync in _toAsk.Where(sync => sync.State == TorrentSyncState.Discovered == withBitmaps).Take(BatchSize).ToArray())
            {
                _toAsk.Remove(sync);
                if (!sync.IsBusy && (sync.State == TorrentSyncState.Discovered || sync.NeedsValidation))
                {
                    batch.Add((sync, sync.BeginWork()));
                }
            }

            if (batch.Count > 0)
            {
                _batches++;
                Track(Task.Run(() => AskAsync(batch, withBitmaps), CancellationToken.None));
            }
        }
    }

    private async Task AskAsync(List<(TorrentSync Sync, int Run)> batch, bool withBitmaps)
    {
        SourceCommand.Statuses answer;
        try
        {
            var statuses = await _destination.GetStatusAsync([.. batch.Select(asked => asked.Sync.Id)], withBitmaps, _phasesEnd.Token)
                .ConfigureAwait(false);
            answer = new SourceCommand.Statuses(batch, statuses, null);
        }
        catch (OperationCanceledException) when (_phasesEnd.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            answer = new SourceCommand.Statuses(batch, [], e);
        }

        await PostAsync(answer).ConfigureAwait(false);
    }

    private void OnStatuses(SourceCommand.Statuses statuses)
    {
        _batches--;
        var byId = statuses.Answers.DistinctBy(status => status.Id).ToDictionary(status => status.Id);
        foreach (var (sync, run) in statuses.Asked)
        {
            if (!sync.EndWork(run))
            {
                continue;
            }

            if (statuses.Fault is { } fault)
            {
                OnFaulted(sync, fault);
            }
            else if (byId.TryGetValue(sync.Id, out var status))
            {
                OnAnswer(sync, status);
            }
            else
            {
                Rest(sync, WaitingReason.Peer, FaultClass.TransientPeer, null, "The destination left the question for it unanswered.");
            }

            Consider(sync);
        }
    }

    private void OnAnswer(TorrentSync sync, DestinationTorrentStatus status)
    {
        if (sync.State == TorrentSyncState.Discovered)
        {
            sync.Answer = status;
            sync.OpenedThere |= status.State is DestinationTorrentState.Opening or DestinationTorrentState.Receiving;
            if (status.State is DestinationTorrentState.Unknown or DestinationTorrentState.Aborting)
            {
                Rest(sync, WaitingReason.Peer, FaultClass.TransientPeer, null, "The destination is busy with it.");
            }

            return;
        }

        if (sync is { State: TorrentSyncState.Synced, Completion: { } known } && status.State is DestinationTorrentState.Complete or DestinationTorrentState.HandedOff)
        {
            // In memory only: it goes to disk with the next change, and what is not on disk is asked again.
            sync.Completion = known with { ValidatedAt = _with.Clock.WallNow };
        }

        sync.NeedsValidation = false;
        WatchSeeding(sync, status);
        if (sync is { State: TorrentSyncState.Synced, Completion: { } record } && status.State is DestinationTorrentState.Complete or DestinationTorrentState.HandedOff)
        {
            OnSelectionThere(sync, record, status.Selection.Span);
            return;
        }

        if (sync.State == TorrentSyncState.Synced && status.State is DestinationTorrentState.Absent or DestinationTorrentState.Opening
            or DestinationTorrentState.Receiving or DestinationTorrentState.Failed)
        {
            // The copy is gone, whatever the record says: it is synced again, and nothing here stops for that.
            sync.Completion = null;
            sync.AllArrived = false;
            sync.WasComplete &= status.State != DestinationTorrentState.Absent;
            sync.ArrivedAt = sync.FinishedAt = null;
            sync.Transition(TorrentSyncState.Discovered, $"the destination says {status.State}");
            sync.Answer = status;
            Persist(sync);
        }
    }
}
