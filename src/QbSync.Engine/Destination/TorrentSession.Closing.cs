using QbSync.Engine.Destination.Initialization;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private TaskCompletionSource<AbortOutcome?>? _aborting;

    /// <summary>Gives the torrent up. Null when this session has ended and its successor has to be asked.</summary>
    /// <param name="mayDelete">Whether its unfinished files may go.</param>
    public async Task<AbortOutcome?> AbortAsync(AbortCause cause, AbortMode mode, bool mayDelete = true) =>
        await (await _mailbox.AskAsync(() => Abort(cause, mode, mayDelete), Task.FromResult<AbortOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

    private Task<AbortOutcome?> Abort(AbortCause cause, AbortMode mode, bool mayDelete)
    {
        if (_isRetired)
        {
            return Task.FromResult<AbortOutcome?>(null);
        }

        Contacted();
        if (_isReshaping)
        {
            return AbortAfterAsync(_opening!.Task, cause, mode, mayDelete);
        }

        switch (_state)
        {
            case TorrentSessionState.Absent:
                return Answer(new AbortOutcome.Done(0, 0));
            case TorrentSessionState.Opening:
                return AbortAfterAsync(_opening!.Task, cause, mode, mayDelete);
            case TorrentSessionState.Aborting:
                return _aborting!.Task;
            case TorrentSessionState.Complete or TorrentSessionState.HandedOff:
                return Refuse(RefusalReason.Complete, "The torrent is complete here; nothing of it is removed.");
            case TorrentSessionState.Finalizing when _storage!.Phase.IsAtClient():
                return Refuse(RefusalReason.Finalizing, "The torrent is being added to the client.");
            case TorrentSessionState.Finalizing when cause == AbortCause.RemovedAtSource:
                return Answer(new AbortOutcome.FinalizingInstead());
            case TorrentSessionState.Receiving when cause == AbortCause.RemovedAtSource && _view.NeedsNothing:
                BeginFinalizing(null, null, "removed at the source, and everything had arrived");
                return Answer(new AbortOutcome.FinalizingInstead());
        }

        if (!mayDelete && mode == AbortMode.Discard)
        {
            return Answer(new AbortOutcome.Refused(GrantRules.RefuseDelete()));
        }

        Transition(TorrentSessionState.Aborting, cause.ToString());
        _aborting = new TaskCompletionSource<AbortOutcome?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = _aborting;
        _closing = DiscardAsync(_storage!, mode == AbortMode.Keep, removed =>
        {
            Log.Discarded(_context.Logger, Id, removed.Files, removed.Bytes);
            _context.Metrics.SyncAborted();
            Transition(TorrentSessionState.Absent, "given up");
            Retire();
            answer.SetResult(new AbortOutcome.Done(removed.Files, removed.Bytes));
        });
        return answer.Task;

        Task<AbortOutcome?> Answer(AbortOutcome outcome) => Task.FromResult<AbortOutcome?>(outcome);

        Task<AbortOutcome?> Refuse(RefusalReason reason, string detail) => Answer(new AbortOutcome.Refused(new Refusal(reason, detail)));
    }

    private async Task<AbortOutcome?> AbortAfterAsync(Task<InitOutcome?> opening, AbortCause cause, AbortMode mode, bool mayDelete)
    {
        await opening.ConfigureAwait(false);
        return await AbortAsync(cause, mode, mayDelete).ConfigureAwait(false);
    }

    /// <summary>
    /// Joins all work of the session, then removes what is unfinished. A disk that fails is tried again until the process ends: a session that is
    /// being given up has no other way out.
    /// </summary>
    private async Task DiscardAsync(ITorrentStorage storage, bool keepFiles, Action<(int Files, long Bytes)> then)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _lane.RenewAsync().ConfigureAwait(false);
        await _wish.ConfigureAwait(false);
        _lane.Enqueue(lease => RunAsync("removal", token => RemoveAsync(storage, keepFiles, then, token), lease));
    }

    private async Task RemoveAsync(ITorrentStorage storage, bool keepFiles, Action<(int Files, long Bytes)> then, CancellationToken lease)
    {
        while (true)
        {
            try
            {
                var removed = await storage.DiscardAsync(keepFiles, lease).ConfigureAwait(false);
                await _mailbox.PostAsync(() =>
                {
                    _wholeFiles.Clear();
                    Volatile.Write(ref _earlyIsQueued, 0);
                    Detach();
                    then(removed);
                }).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.WorkFails(_context.Logger, Id, "removal", e.Message);
                await Task.Delay(TimeSpan.FromSeconds(10), _context.Time, lease).ConfigureAwait(false);
            }
        }
    }
}
