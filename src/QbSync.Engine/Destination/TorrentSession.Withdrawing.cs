using QbSync.Engine.Destination.Handoff;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private readonly SharedCall<WithdrawOutcome> _withdrawing = new();
    private readonly SharedCall<ConfirmOutcome> _confirming = new();

    /// <summary>Stops what was started. Null when this session has ended.</summary>
    public async Task<WithdrawOutcome?> WithdrawAsync() =>
        await (await _mailbox.AskAsync(Withdraw, Task.FromResult<WithdrawOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

    /// <summary>Tags the torrent and closes its handoff. Null when this session has ended.</summary>
    public async Task<ConfirmOutcome?> ConfirmAsync(ConfirmHandoffRequest request) =>
        await (await _mailbox.AskAsync(() => Confirm(request), Task.FromResult<ConfirmOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

    private Task<WithdrawOutcome?> Withdraw()
    {
        if (_isRetired || _state is not (TorrentSessionState.Complete or TorrentSessionState.HandedOff) || _context.Seeding is not { } seeding)
        {
            return Task.FromResult<WithdrawOutcome?>(new WithdrawOutcome.Done(null));
        }

        if (IsClosed)
        {
            // Late, or of a source that lost its journal: a stop now would leave nobody to seed.
            return Task.FromResult<WithdrawOutcome?>(
                new WithdrawOutcome.Refused(new Refusal(RefusalReason.HandedOff, "The source confirmed that its data is gone; nothing is taken back after that.")));
        }

        var storage = _storage!;
        _startEnd.Cancel();
        _starting.Forget();
        return _withdrawing.Join([], _context.Time, () => OperateAsync<WithdrawOutcome>(
            "withdrawal", lease => WithdrawInLaneAsync(storage, seeding, lease), static refusal => new WithdrawOutcome.Refused(refusal)));
    }

    private async Task<WithdrawOutcome> WithdrawInLaneAsync(ITorrentStorage storage, SeedingControl seeding, CancellationToken lease)
    {
        var seen = await seeding.FindAsync(storage.Request.Manifest, lease).ConfigureAwait(false);
        if (seen is not null && !IsAddedByUs)
        {
            return new WithdrawOutcome.Done(SeedingControl.MakeView(seen));
        }

        // A start that is in doubt may still arrive, so a stop is sent although it shows stopped.
        if (seen is not null && (!seen.Status.State.IsStopped() || storage.Phase == StoredPhase.StartIntent))
        {
            var wasActive = seen.Status.State.IsActive();
            (var atRest, seen) = await seeding.StopAsync(seen.Status.Id, lease).ConfigureAwait(false);
            if (!atRest)
            {
                return new WithdrawOutcome.Refused(new Refusal(RefusalReason.Uncertain, $"The client here shows {seen?.Status.State} after a stop."));
            }

            if (wasActive && seen is not null)
            {
                await seeding.LetAnnounceAsync(seen.Status.Id, lease).ConfigureAwait(false);
            }
        }

        if (storage.Phase is StoredPhase.StartIntent or StoredPhase.HandedOff)
        {
            await storage.SetPhaseAsync(StoredPhase.Complete, null, lease).ConfigureAwait(false);
        }

        await _mailbox.ApplyAsync(() => OnStopped(seen, "withdrawn")).ConfigureAwait(false);
        return new WithdrawOutcome.Done(seen is null ? null : SeedingControl.MakeView(seen));
    }

    private Task<ConfirmOutcome?> Confirm(ConfirmHandoffRequest request)
    {
        if (_isRetired)
        {
            return Task.FromResult<ConfirmOutcome?>(null);
        }

        switch (_state)
        {
            case TorrentSessionState.Absent:
                return Task.FromResult<ConfirmOutcome?>(new ConfirmOutcome.Unknown());
            case not (TorrentSessionState.Complete or TorrentSessionState.HandedOff):
                return Task.FromResult<ConfirmOutcome?>(new ConfirmOutcome.Refused(new Refusal(RefusalReason.Incomplete, "The torrent is not complete here.")));
        }

        var storage = _storage!;
        return _confirming.Join(System.Text.Encoding.UTF8.GetBytes(request.Tag), _context.Time, () => OperateAsync<ConfirmOutcome>(
            "confirmation", lease => ConfirmInLaneAsync(storage, request.Tag, lease), static refusal => new ConfirmOutcome.Refused(refusal)));
    }

    private async Task<ConfirmOutcome> ConfirmInLaneAsync(ITorrentStorage storage, string tag, CancellationToken lease)
    {
        // Recorded among its tags first: a client that does not take the tag now is asked again at each poll, over restarts.
        if (tag.Length > 0 && IsAddedByUs && !storage.Request.Parameters.Tags.Contains(tag))
        {
            var parameters = storage.Request.Parameters;
            await storage.SetParametersAsync(parameters with { Tags = [.. parameters.Tags, tag] }, lease).ConfigureAwait(false);
        }

        if (storage.Phase != StoredPhase.Closed)
        {
            await storage.SetPhaseAsync(StoredPhase.Closed, null, lease).ConfigureAwait(false);
        }

        if (IsAddedByUs && _context.Seeding is { } seeding)
        {
            _marksPending = true;
            try
            {
                var seen = await seeding.FindAsync(storage.Request.Manifest, lease).ConfigureAwait(false);
                _marksPending = seen is null
                    || !await _context.Finalizer.ApplyMarksAsync(storage.Request.Parameters, seen.Status, lease).ConfigureAwait(false);
            }
            catch (TorrentClientException e)
            {
                Log.WorkFails(_context.Logger, Id, "tags and category", e.Message);
            }
        }

        await _mailbox.ApplyAsync(OnClosed).ConfigureAwait(false);
        return new ConfirmOutcome.Done();
    }
}
