using QbSync.Engine.Destination.Finalization;
using QbSync.Engine.Destination.Initialization;
using QbSync.Engine.Shared;
using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private TaskCompletionSource<FinalizeOutcome?> _finalizing = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile OperationProgress _progress = new(FinalizeStage.Queued, 0, 0);
    private bool _isParked;
    private Task _wish = Task.CompletedTask;

    /// <summary>Makes the torrent final, or joins what does. Null when this session has ended and its successor has to be asked.</summary>
    public async Task<FinalizeOutcome?> FinalizeAsync(FinalizeRequest request) =>
        await (await _mailbox.AskAsync(() => Finalize(request), Task.FromResult<FinalizeOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

    private Task<FinalizeOutcome?> Finalize(FinalizeRequest request)
    {
        if (_isRetired)
        {
            return Answer(null);
        }

        Contacted();
        if (_isReshaping)
        {
            return Answer(new FinalizeOutcome.Refused(new Refusal(RefusalReason.Busy, "Another selection or place is being taken.")));
        }

        switch (_state)
        {
            case TorrentSessionState.Absent:
                return Answer(new FinalizeOutcome.Unknown());
            case TorrentSessionState.Opening:
                return Answer(new FinalizeOutcome.Running(_progress));
            case TorrentSessionState.Aborting:
                return Answer(new FinalizeOutcome.Refused(new Refusal(RefusalReason.Busy, "Its unfinished files are being removed.")));
            case TorrentSessionState.Failed:
                return Answer(new FinalizeOutcome.Refused(_refusal ?? new Refusal(RefusalReason.Unknown)));
        }

        if (!_storage!.Request.Selection.Fingerprint(Id).AsSpan().SequenceEqual(request.SelectionFingerprint.Span))
        {
            return Answer(new FinalizeOutcome.Refused(new Refusal(RefusalReason.SelectionChanged, "The torrent was opened with another selection.")));
        }

        switch (_state)
        {
            case TorrentSessionState.Complete or TorrentSessionState.HandedOff:
                return AnswerCompleteAsync();
            case TorrentSessionState.Finalizing when _isParked:
                return Answer(new FinalizeOutcome.Refused(_refusal!));
            case TorrentSessionState.Finalizing:
                return _finalizing.Task;
            case TorrentSessionState.Receiving when !_view.NeedsNothing:
                return Answer(MakeIncomplete());
            default:
                BeginFinalizing(request.Parameters, GetFinalFiles(request.Files), "asked by the source");
                return _finalizing.Task;
        }

        static Task<FinalizeOutcome?> Answer(FinalizeOutcome? outcome) => Task.FromResult(outcome);
    }

    private void BeginFinalizing(TorrentParameters? parameters, FinalFiles? files, string reason)
    {
        _arrivedAt ??= _context.Time.GetUtcNow();
        Transition(TorrentSessionState.Finalizing, reason);
        _wish = RecordWishAsync(_storage!);
        StartFinalizing(parameters, files);
    }

    /// <summary>
    /// Makes the wish durable at once, not only when the lane has read what it is reading: who asked may be gone when this process is. Joined before
    /// anything else records a phase. A failure is the finalizer's to meet.
    /// </summary>
    private async Task RecordWishAsync(ITorrentStorage storage)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            if (storage.Phase is StoredPhase.Receiving)
            {
                await storage.SetPhaseAsync(StoredPhase.Finalizing, null, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (StorageException e)
        {
            Log.WorkFails(_context.Logger, Id, "record of what was asked for", e.Message);
        }
    }

    private FinalFiles? GetFinalFiles(IReadOnlyList<SourceFile>? files) =>
        files is null ? null : new FinalFiles(OpeningPlan.GetIdentities(_storage!.Request.Manifest, files), FileTable.Digest(files));

    private void StartFinalizing(TorrentParameters? parameters, FinalFiles? files)
    {
        _isParked = false;
        _finalizing = new TaskCompletionSource<FinalizeOutcome?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _progress = new OperationProgress(FinalizeStage.Queued, 0, 0);
        (_refusal, _conflict) = (null, null);
        var storage = _storage!;
        var run = new FinalizeRun(storage, _ledger, _settleSignal, _context.Time, OnProgress)
        {
            Files = files,
            Parameters = parameters is not null && !SameParameters(storage.Request.Parameters, parameters) ? parameters : null,
        };
        _lane.Enqueue(lease => RunAsync("finalizing", token => FinalizeInLaneAsync(run, token), lease));
    }

    private async Task FinalizeInLaneAsync(FinalizeRun run, CancellationToken lease)
    {
        await _wish.ConfigureAwait(false);
        try
        {
            var end = await _context.Finalizer.RunAsync(run, lease).ConfigureAwait(false);
            await _mailbox.PostAsync(() => OnFinalized(run, end)).ConfigureAwait(false);
        }
        catch (Exception) when (!lease.IsCancellationRequested)
        {
            await _mailbox.PostAsync(() => OnFaulted(run)).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A fault that nobody foresaw must not leave a session that waits for nothing: the source may ask again.</summary>
    private void OnFaulted(FinalizeRun run)
    {
        if (_state == TorrentSessionState.Finalizing)
        {
            Transition(TorrentSessionState.Receiving, "an unexpected fault");
            _context.Metrics.FinalizationEnded(success: false, _context.Time.GetElapsedTime(run.Began));
            _finalizing.TrySetResult(new FinalizeOutcome.Refused(
                new Refusal(RefusalReason.StorageError, "The destination failed inside; its log says how.", TimeSpan.FromSeconds(30))));
        }
    }

    /// <summary>Called from the lane; a turn for each report would be more than a turn is worth.</summary>
    private void OnProgress(OperationProgress progress, Refusal? waiting)
    {
        var moved = progress.Stage != _progress.Stage || progress.Waiting != _progress.Waiting;
        _progress = progress;
        if (moved)
        {
            _mailbox.TryPost(() =>
            {
                if (_state == TorrentSessionState.Finalizing && !_isParked)
                {
                    _refusal = waiting;
                    Publish();
                }
            });
        }
    }

    private void OnFinalized(FinalizeRun run, FinalizeEnd end)
    {
        if (_state != TorrentSessionState.Finalizing)
        {
            return;
        }

        var took = _context.Time.GetElapsedTime(run.Began);
        _refusal = null;
        switch (end)
        {
            case FinalizeEnd.Completed(var seen, var marksPending, var proof):
                _seenLast = seen;
                _proofId = proof.Id.ToArray();
                _marksPending = marksPending;
                _finishedAt = _context.Time.GetUtcNow();
                Transition(TorrentSessionState.Complete, "final, and in the client");
                _context.Metrics.FinalizationEnded(success: true, took);
                _context.Metrics.DestinationTorrentSynced(Id, _storage!.Request.Manifest.Name);
                Tell(EngineEventKind.TorrentSynced);
                _finalizing.TrySetResult(new FinalizeOutcome.Complete(MakeCompletion(GetClientView())));
                break;
            case FinalizeEnd.Incomplete(var bad):
                Transition(TorrentSessionState.Receiving, "pieces are needed again");
                _context.Metrics.FinalizationEnded(success: false, took);
                OnPiecesLost(bad);
                SettleIfReceiving();
                _finalizing.TrySetResult(MakeIncomplete());
                break;
            case FinalizeEnd.Failed(var refusal):
                _refusal = refusal;
                Transition(TorrentSessionState.Failed, refusal.Reason.ToString());
                _context.Metrics.FinalizationEnded(success: false, took);
                _context.Metrics.SessionFailed();
                Tell(EngineEventKind.TorrentFailed, DescribeFailure(refusal));
                _finalizing.TrySetResult(new FinalizeOutcome.Refused(refusal));
                break;
            case FinalizeEnd.NoClient:
                _isParked = true;
                _refusal = new Refusal(RefusalReason.NoClient, "The files are final; the destination has no torrent client to add them to.");
                _progress = new OperationProgress(FinalizeStage.Registering, 0, 0, RefusalReason.NoClient);
                Publish();
                _finalizing.TrySetResult(new FinalizeOutcome.Refused(_refusal));
                break;
        }
    }

    private static string DescribeFailure(Refusal refusal) => refusal.Detail.Length > 0 ? refusal.Detail : refusal.Reason.ToString();

    private FinalizeOutcome.Incomplete MakeIncomplete() =>
        new(_view.Epoch, _storage!.CopyHave(), _storage.CopyDeferred());
}
