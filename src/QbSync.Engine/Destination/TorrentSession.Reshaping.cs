using QbSync.Engine.Destination.Initialization;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    /// <summary>
    /// Another selection, place or file table: all work of the session is joined first, then the store takes the new shape, keeping every byte that is
    /// still wanted. Refused, the session goes on as it was.
    /// </summary>
    private Task<InitOutcome?> Reshape(Caller caller, InitRequest request)
    {
        var storage = _storage!;
        var plan = OpeningPlan.Reshape(storage.Request, caller, request, canRename: true);
        if (plan.Refusal is { } refusal)
        {
            return Answer(new InitOutcome.Refused(refusal));
        }

        if (_state == TorrentSessionState.Receiving && IsSameShape(storage.Request, plan.Store!))
        {
            // Only what the source's file system says of the files is new: nothing here depends on it.
            TakeParameters(request.Parameters);
            TakeFiles(plan.Store!);
            return Answer(MakeOpen(_keepsOldPlace));
        }

        Log.Reopens(_context.Logger, Id);
        if (_state == TorrentSessionState.Complete)
        {
            LeaveComplete();
        }

        if (_state != TorrentSessionState.Receiving)
        {
            Transition(TorrentSessionState.Receiving, "another selection or place");
        }

        _refusal = null;
        _isReshaping = true;
        _openingRequest = request;
        _opening = new TaskCompletionSource<InitOutcome?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = _opening.Task;
        _closing = StartReshapingAsync(storage, caller, request);
        return answer;
    }

    private async Task StartReshapingAsync(ITorrentStorage storage, Caller caller, InitRequest request)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _lane.RenewAsync().ConfigureAwait(false);
        await _wish.ConfigureAwait(false);
        Volatile.Write(ref _earlyIsQueued, 0);
        Volatile.Write(ref _settleIsQueued, 0);
        _lane.Enqueue(lease => ReshapeAsync(storage, caller, request, lease));
    }

    private async Task ReshapeAsync(ITorrentStorage storage, Caller caller, InitRequest request, CancellationToken lease)
    {
        OpeningEnd? end = null;
        await RunAsync(
            "another selection or place",
            async token => end = await _context.Opener.ReshapeAsync(storage, caller, request, token).ConfigureAwait(false),
            lease).ConfigureAwait(false);
        end ??= new OpeningEnd(null, false, lease.IsCancellationRequested
            ? new Refusal(RefusalReason.Stopping, "The destination is shutting down.")
            : new Refusal(RefusalReason.StorageError, "The destination failed while it took another selection or place; its log says how."));
        if (!await _mailbox.PostAsync(() => OnReshaped(storage, end)).ConfigureAwait(false) && end.Storage is { } late && late != storage)
        {
            await late.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void OnReshaped(ITorrentStorage old, OpeningEnd end)
    {
        var waiting = _opening!;
        (_opening, _openingRequest, _isReshaping) = (null, null, false);
        if (end.Storage is { } storage)
        {
            (_ownNames, _keepsOldPlace) = (end.OwnNames, end.OldPlace);
            if (storage != old)
            {
                Detach();
                _wholeFiles.Clear();
                _ledger.Clear();
                (_arrivedAt, _conflict) = (null, null);
                Attach(storage);
            }
        }

        Publish();
        GoOnReceiving();
        if (end.Refusal is not { } refusal)
        {
            waiting.SetResult(MakeOpen(end.OldPlace));
            return;
        }

        // Nothing has changed. What was final, or about to be, becomes so again by itself.
        Log.Refused(_context.Logger, Id, refusal.Reason, refusal.Detail);
        if (_view.NeedsNothing && _storage!.Phase != StoredPhase.Receiving)
        {
            BeginFinalizing(null, null, "as before");
        }

        waiting.SetResult(new InitOutcome.Refused(refusal));
    }

    private void TakeFiles(StoreRequest next)
    {
        var storage = _storage!;
        _lane.Enqueue(lease => RunAsync(
            "record of the source's files", token => storage.SetIdentitiesAsync(next.Identities, next.FilesDigest, token).AsTask(), lease));
    }

    private static bool IsSameShape(StoreRequest one, StoreRequest other) =>
        IsSame(one.Place, other.Place) && one.Selection.Equals(other.Selection) && SessionOpener.HasSameNames(one, other);
}
