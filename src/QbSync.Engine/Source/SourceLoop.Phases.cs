using QbSync.Engine.Source.Phases;
using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Source.Tracking;
using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private readonly Dictionary<InfoHash, (ulong Incarnation, ulong Epoch)> _lastGrants = [];
    private readonly HashSet<Task> _running = [];
    private readonly Lock _runningGate = new();

    /// <summary>Begins the I/O of a torrent's phase. Its result comes back as a command with the number of the run.</summary>
    private void StartPhase(TorrentSync sync, Func<PhaseInput, Action<OperationProgress>, CancellationToken, Task<PhaseResult>> work)
    {
        if (_isStopping)
        {
            return; // it would be ended before it is over
        }

        var run = sync.BeginWork();
        var input = new PhaseInput(sync.Id, sync.Status, sync.Content?.Manifest, sync.Content, RecordOf(sync));
        var ends = CancellationTokenSource.CreateLinkedTokenSource(sync.RunEnds.Token, _phasesEnd.Token);
        Track(Task.Run(() => RunPhaseAsync(sync, run, input, work, ends), CancellationToken.None));
    }

    private async Task RunPhaseAsync(
        TorrentSync sync,
        int run,
        PhaseInput input,
        Func<PhaseInput, Action<OperationProgress>, CancellationToken, Task<PhaseResult>> work,
        CancellationTokenSource ends)
    {
        using (ends)
        {
            PhaseResult result;
            try
            {
                result = await work(
                    input, progress => _commands.Writer.TryWrite(new SourceCommand.Progress(sync, run, progress)), ends.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (ends.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                result = new PhaseResult.Faulted(e);
            }

            await PostAsync(new SourceCommand.PhaseEnded(sync, run, result)).ConfigureAwait(false);
        }
    }

    private async Task PostAsync(SourceCommand command)
    {
        try
        {
            await _commands.Writer.WriteAsync(command, _phasesEnd.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Track(Task task)
    {
        lock (_runningGate)
        {
            _running.Add(task);
        }

        task.ContinueWith(
            ended =>
            {
                lock (_runningGate)
                {
                    _running.Remove(ended);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private void OnProgress(SourceCommand.Progress progress)
    {
        if (progress.Run == progress.Sync.Run)
        {
            progress.Sync.Progress = progress.Value;
        }
    }

    private void OnPhaseEnded(SourceCommand.PhaseEnded ended)
    {
        var sync = ended.Sync;
        _inHand = sync.Id;
        if (!sync.EndWork(ended.Run))
        {
            return;
        }

        _isReportDue = true;
        LookEnded(sync, ended.Result);
        switch (ended.Result)
        {
            case PhaseResult.Opened opened:
                OnOpened(sync, opened);
                break;
            case PhaseResult.FinalizingThere there:
                sync.Content ??= there.Content;
                sync.Transition(TorrentSyncState.Finalizing, "the destination is making it final");
                break;
            case PhaseResult.Completed completed:
                OnCompleted(sync, completed);
                break;
            case PhaseResult.Incomplete incomplete:
                OnIncomplete(sync, incomplete.Outcome);
                break;
            case PhaseResult.OpenAnew anew:
                OnOpenAnew(sync, anew.Why);
                break;
            case PhaseResult.Looked looked:
                OnLooked(sync, looked);
                break;
            case PhaseResult.Inspected inspected:
                // By a filter that is no more, it may lack what this one needs: then it is asked for once more.
                (sync.Traits, sync.Filter) = (inspected.By == _filter ? inspected.Traits : null, null);
                break;
            case PhaseResult.Delivered delivered:
                OnDelivered(sync, delivered);
                break;
            case PhaseResult.Withdrawn withdrawn:
                OnWithdrawn(sync, withdrawn.Seen);
                break;
            case PhaseResult.Tagged { Done: false }:
                // Tried again in the next cycle, and nothing else waits for it: a tag decides nothing.
                sync.TagAgainAt = Now + _options.Sleep;
                break;
            case PhaseResult.Tagged when sync.Status is { } status:
                // Read back; the next snapshot may still be older than the tag.
                var tag = sync.State == TorrentSyncState.Failed ? _options.SyncFailedTag : _options.SyncedTag;
                sync.Status = status with { Tags = new HashSet<string>(status.Tags) { tag } };
                sync.FailedTagWasSeen |= sync.State == TorrentSyncState.Failed;
                Persist(sync);
                break;
            case PhaseResult.Held held:
                OnHeld(sync, held);
                break;
            case PhaseResult.Faulted faulted:
                OnFaulted(sync, faulted.Exception);
                break;
        }

        Consider(sync);
    }

    private void OnOpened(TorrentSync sync, PhaseResult.Opened opened)
    {
        Rekey(sync, opened.Content.Manifest.Id);
        var content = opened.Content;
        if (sync.Stream is { } known && known.Table.PieceCount == content.Manifest.PieceCount)
        {
            if (!known.Layout.Selection.Equals(content.Selection))
            {
                known.Layout = content.Pieces;
                known.Table.ApplySelection(content.Pieces);
            }

            known.Location = content.Location;
        }
        else
        {
            sync.Stream = new PieceStream(sync.Id, content.Pieces, content.Location);
            _acks.Add(sync.Stream);
        }

        _loader.Forget(sync.ClientId);
        sync.Content = content;
        sync.Name = content.Manifest.Name;
        sync.SelectedPieces = content.Pieces.SelectedPieceCount;
        sync.Finalize = PhaseWork.FinalizeOf(content);
        sync.OpenedThere = true;
        sync.AllArrived = false;
        sync.Completion = null;
        sync.LookedAt = Now;
        if (opened.Open.OwnNames && !sync.HasOwnNamesThere)
        {
            Log.OwnNames(_logger, sync.Name, sync.Id);
        }

        sync.HasOwnNamesThere = opened.Open.OwnNames;
        OnSelectionTaken(sync);
        if (!sync.Transition(TorrentSyncState.Streaming, "the destination receives it"))
        {
            return;
        }

        Grant(sync, opened.Open.Incarnation, opened.Open.Epoch, opened.Open.Losses, opened.Open.Have, opened.Open.Deferred);
        Watch(sync);
        Freeze(sync);
        Persist(sync);
        _isScheduleDue = true;
        _pulse.Pulse();
    }

    private void OnCompleted(TorrentSync sync, PhaseResult.Completed completed)
    {
        var sent = sync.Stream?.Table.Counts.PayloadAcknowledged ?? 0;
        var id = sync.Content?.Manifest.Id ?? sync.Id;
        if (!sync.Transition(TorrentSyncState.Synced, completed.Record.Adopted ? "the destination has it already" : "it is final there"))
        {
            return;
        }

        Rekey(sync, id);
        sync.Name = completed.Name;
        sync.SelectedPieces = completed.Pieces;
        var before = sync.Superseded;
        sync.Completion = completed.Record;
        sync.Finalize = completed.Finalize;
        sync.BarrenRounds = 0;
        sync.Superseded = null;
        sync.LookedAt = SelectionWatcher.Spread(sync.Id, Now);
        sync.OpenedThere = true;
        sync.AllArrived = true;
        sync.WasComplete = true;
        sync.Strikes.Clear();
        sync.FinishedAt = completed.Record.SyncedAt;
        sync.ArrivedAt ??= sync.FinishedAt;
        _moved[sync.Id] = sent;
        if (!completed.Record.Adopted)
        {
            _with.Metrics.TorrentSynced(sync.Id, sync.Name, NewBytes(sync, before), completed.Record.SyncedAt, AgeOf(sync));
            Tell(EngineEventKind.TorrentSynced, sync);
        }

        ForgetStream(sync);
    }

    private void OnIncomplete(TorrentSync sync, FinalizeOutcome.Incomplete outcome)
    {
        if (sync.Stream is not { } stream || _greeting is not { } greeting)
        {
            sync.Transition(TorrentSyncState.Initializing, "the destination lacks pieces");
            return;
        }

        var isSameGrant = _lastGrants.TryGetValue(stream.Id, out var last) && last == (greeting.Incarnation, outcome.Epoch);
        var isNoProgress = isSameGrant && stream.Table.LacksAny(outcome.Have, outcome.Deferred);
        if (isNoProgress && Strike(sync, "the destination lacks pieces that it had acknowledged (no-progress)"))
        {
            return;
        }

        if (sync.Transition(TorrentSyncState.Streaming, "the destination lacks pieces"))
        {
            sync.AllArrived = false;
            Grant(sync, greeting.Incarnation, outcome.Epoch, null, outcome.Have, outcome.Deferred);
            if (!isNoProgress)
            {
                sync.BarrenRounds = 0;
            }
            else if (++sync.BarrenRounds > 1)
            {
                // A disk there that damaged a piece once has it mended at once; one that does so again is not sent it at the speed of the network.
                stream.Pause(Now, _faults.Delay(FaultClass.Permanent, sync.BarrenRounds, _with.Chance.Next()));
            }

            Watch(sync);
            _isScheduleDue = true;
            _pulse.Pulse();
        }
    }

    private void OnHeld(TorrentSync sync, PhaseResult.Held held)
    {
        if (held.Fault == FaultClass.Permanent && Strike(sync, held.Text))
        {
            return;
        }

        sync.Answer = null;
        sync.IsGivenUpThere = held.Fault == FaultClass.Permanent && sync.State == TorrentSyncState.Finalizing;
        if (sync.IsGivenUpThere)
        {
            // A try goes through other states, so only strikes tell how many there were.
            sync.Failures = Math.Max(sync.Failures, sync.Strikes.At.Count - 1);
        }

        Rest(sync, held.WaitingFor, held.Fault, held.RetryAfter, held.Text);
    }

    private void OnFaulted(TorrentSync sync, Exception exception)
    {
        var fault = FaultRules.Classify(exception);
        if (fault == FaultClass.Permanent)
        {
            Log.Unexpected(_logger, sync.Name, sync.Id, exception);
            if (sync.State != TorrentSyncState.Removing && Strike(sync, $"an unexpected fault (internal): {exception.Message}"))
            {
                return;
            }
        }

        Rest(sync, FaultRules.WaitsFor(exception), fault, (exception as TorrentClientException)?.RetryAfter, exception.Message);
    }

    /// <summary>The manifest names another id than the client did: the torrent goes on under the manifest's.</summary>
    private void Rekey(TorrentSync sync, InfoHash id)
    {
        if (sync.Id != id && !_syncs.ContainsKey(id))
        {
            _syncs.Remove(sync.Id);
            sync.Rename(id);
            _syncs[id] = sync;
        }
    }
}
