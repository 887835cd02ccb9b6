using QbSync.Engine.Destination.Handoff;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private readonly SharedCall<StartOutcome> _starting = new();
    private CancellationTokenSource _startEnd = new();

    /// <summary>Starts seeding, or joins what does. Null when this session has ended.</summary>
    public async Task<StartOutcome?> StartAsync(StartRequest request) =>
        await (await _mailbox.AskAsync(() => Start(request), Task.FromResult<StartOutcome?>(null)).ConfigureAwait(false)).ConfigureAwait(false);

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
            case TorrentSessionState.Complete when request.Cause == StartCause.RemovedAtSource && !_context.Options.Current.SourceRemovedStart:
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

        if (!await _context.Finalizer.ApplyLimitsAsync(request.Parameters.Limits, seen.Status, lease).ConfigureAwait(false))
        {
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
            await _mailbox.ApplyAsync(() => OnStopped(stopped, "did not seed")).ConfigureAwait(false);
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
        await _mailbox.ApplyAsync(() => OnStarted(seen, view)).ConfigureAwait(false);
        return new StartOutcome.Started(view);
    }

    private async Task<StartOutcome> EndUncertainAsync(string problem)
    {
        Log.StartUncertain(_context.Logger, Id, problem);
        await _mailbox.ApplyAsync(() =>
        {
            _isUncertain = true;
            Publish();
        }).ConfigureAwait(false);
        return new StartOutcome.Refused(new Refusal(RefusalReason.Uncertain, problem.Length <= 512 ? problem : problem[..512]));
    }
}
