using QbSync.Engine.Destination.Handoff;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private readonly SharedCall<StartOutcome> _starting = new();
    private readonly SharedCall<WithdrawOutcome> _withdrawing = new();
    private readonly SharedCall<ConfirmOutcome> _confirming = new();
    private CancellationTokenSource _startEnd = new();

    /// <summary>Starts seeding, or joins what does. Null when this session has ended.</summary>
    public async Task<StartOutcome?> StartAsync(StartRequest request) =>
        await (await _mailbox.AskAsync(() => Start(request), Task.FromResult<StartOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

    /// <summary>Stops what was started. Null when this session has ended.</summary>
    public async Task<WithdrawOutcome?> WithdrawAsync() =>
        await (await _mailbox.AskAsync(Withdraw, Task.FromResult<WithdrawOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

    /// <summary>Tags the torrent and closes its handoff. Null when this session has ended.</summary>
    public async Task<ConfirmOutcome?> ConfirmAsync(ConfirmHandoffRequest request) =>
        await (await _mailbox.AskAsync(() => Confirm(request), Task.FromResult<ConfirmOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

    private bool IsClosed => _storage?.Phase == StoredPhase.Closed;

    private Task<StartOutcome?> Start(StartRequest request)
    {
        if (_isRetired)
        {
            return Task.FromResult<StartOutcome?>(null);
        }

        switch (_state)
        {
            case TorrentSessionState.Absent or TorrentSessionState.Aborting:
                return Task.FromResult<StartOutcome?>(new StartOutcome.Unknown());
            case TorrentSessionState.Failed:
                return Refuse(_refusal ?? new Refusal(RefusalReason.Unknown));
            case not (TorrentSessionState.Complete or TorrentSessionState.HandedOff):
                return Refuse(new Refusal(RefusalReason.Incomplete, "The torrent is not complete here."));
            case TorrentSessionState.Complete when request.Cause == StartCause.RemovedAtSource && !_context.Options.SourceRemovedStart:
                return Refuse(new Refusal(RefusalReason.StartOff, "What is removed at the source is not started here."));
        }

        if (_context.Seeding is not { } seeding)
        {
            return Refuse(NoClientRefusal);
        }

        if (_withdrawing.IsRunning)
        {
            return Refuse(new Refusal(RefusalReason.Busy, "It is being stopped.", TimeSpan.FromSeconds(1)));
        }

        _withdrawing.Forget();
        var storage = _storage!;
        return _starting.Join([], _context.Time, () =>
        {
            _startEnd = new CancellationTokenSource();
            var end = _startEnd.Token;
            return OperateAsync<StartOutcome>(
                "start", lease => StartInLaneAsync(storage, seeding, request, lease, end), static refusal => new StartOutcome.Refused(refusal));
        });

        static Task<StartOutcome?> Refuse(Refusal refusal) => Task.FromResult<StartOutcome?>(new StartOutcome.Refused(refusal));
    }

    private async Task<StartOutcome> StartInLaneAsync(
        ITorrentStorage storage, SeedingControl seeding, StartRequest request, CancellationToken lease, CancellationToken end)
    {
        if (storage.Phase == StoredPhase.Closed)
        {
            // The user's, from now on: what he stopped stays so.
            var now = await seeding.FindAsync(storage.Request.Manifest, lease).ConfigureAwait(false);
            return now is not null && SeedingControl.IsSeeding(now.Status)
                ? new StartOutcome.Started(await seeding.ViewAsync(now, lease).ConfigureAwait(false))
                : Refused(SeedingControl.NotSeeding(now?.Status));
        }

        var (seen, refusal) = await ExamineAsync(storage, seeding, lease).ConfigureAwait(false);
        if (refusal is not null)
        {
            if (seen is { Status: { } wrong } && IsAddedByUs && wrong.State.IsActive())
            {
                await seeding.StopAsync(wrong.Id, lease).ConfigureAwait(false);
            }

            return Refused(refusal);
        }

        if (SeedingControl.IsSeeding(seen!.Status))
        {
            return await EndStartAsync(storage, seeding, seen, lease).ConfigureAwait(false);
        }

        if (!IsAddedByUs)
        {
            return Refused(new Refusal(RefusalReason.NotSeeding, "It is stopped in the client here, and was not added by QbSync, so it is not started."));
        }

        if (!SameParameters(storage.Request.Parameters, request.Parameters))
        {
            await storage.SetParametersAsync(request.Parameters, lease).ConfigureAwait(false);
            _marksPending = true;
        }

        if (end.IsCancellationRequested)
        {
            return Withdrawn;
        }

        await storage.SetPhaseAsync(StoredPhase.StartIntent, null, lease).ConfigureAwait(false);
        Log.Starts(_context.Logger, Id, request.Cause);
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(lease, end);
            var after = await seeding.StartAsync(seen.Status.Id, either.Token).ConfigureAwait(false);
            if (after is not null && SeedingControl.IsSeeding(after.Status))
            {
                return await EndStartAsync(storage, seeding, after, lease).ConfigureAwait(false);
            }

            var (atRest, stopped) = await seeding.StopAsync(seen.Status.Id, lease).ConfigureAwait(false);
            if (!atRest)
            {
                return await EndUncertainAsync($"it shows {stopped?.Status.State} after a stop").ConfigureAwait(false);
            }

            await storage.SetPhaseAsync(StoredPhase.Complete, null, lease).ConfigureAwait(false);
            await _mailbox.PostAsync(() => OnStopped(stopped, "did not seed")).ConfigureAwait(false);
            return Refused(SeedingControl.NotSeeding(after?.Status));
        }
        catch (TorrentClientException e)
        {
            return await EndUncertainAsync(e.Message).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!lease.IsCancellationRequested)
        {
            return Withdrawn;
        }

        static StartOutcome Refused(Refusal refusal) => new StartOutcome.Refused(refusal);
    }

    private static StartOutcome Withdrawn { get; } = new StartOutcome.Refused(new Refusal(RefusalReason.Busy, "The start was withdrawn."));

    private async Task<StartOutcome> EndStartAsync(ITorrentStorage storage, SeedingControl seeding, ClientSighting seen, CancellationToken lease)
    {
        if (storage.Phase != StoredPhase.HandedOff)
        {
            await storage.SetPhaseAsync(StoredPhase.HandedOff, null, lease).ConfigureAwait(false);
        }

        var view = await seeding.ViewAsync(seen, lease).ConfigureAwait(false);
        await _mailbox.PostAsync(() => OnStarted(seen, view)).ConfigureAwait(false);
        return new StartOutcome.Started(view);
    }

    private async Task<StartOutcome> EndUncertainAsync(string problem)
    {
        Log.StartUncertain(_context.Logger, Id, problem);
        await _mailbox.PostAsync(() =>
        {
            _isUncertain = true;
            Publish();
        }).ConfigureAwait(false);
        return new StartOutcome.Refused(new Refusal(RefusalReason.Uncertain, problem.Length <= 512 ? problem : problem[..512]));
    }

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

        await _mailbox.PostAsync(() => OnStopped(seen, "withdrawn")).ConfigureAwait(false);
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

        await _mailbox.PostAsync(OnClosed).ConfigureAwait(false);
        return new ConfirmOutcome.Done();
    }
}
