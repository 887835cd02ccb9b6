using Microsoft.Extensions.Logging;
using QbSync.Engine.Destination.Initialization;
using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>
/// Brings a published torrent into the client: added once, stopped, on the seeding side, with our names, selection, category and tags. Each pass looks
/// first and may be repeated after any interruption; each change is read back. Thread-safe; a run belongs to one session.
/// </summary>
internal sealed partial class ClientRegistrar(
    Live<DestinationOptions> options,
    ITorrentClient client,
    ReadBack readBack,
    ClientWatch watch,
    EngineMetrics metrics,
    TimeProvider time,
    ILogger<ClientRegistrar> logger)
{
    /// <summary>Age above which a look at the client is taken once more before the end state is judged by it.</summary>
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(5);

    private readonly ClientCanary _canary = new();
    private readonly ClientCheck _check = new(client, readBack, () => watch.Snapshot is { CheckingCount: > 1 }, options.Current.PollTimeout, time);

    /// <summary>One pass. An outage of the client is <see cref="RegistrationEnd.Waits"/> without a delay: until it answers again.</summary>
    public async Task<RegistrationEnd> RunAsync(FinalizeRun run, CancellationToken lease)
    {
        run.Report(FinalizeStage.Registering);
        try
        {
            return await RunPassAsync(run, lease).ConfigureAwait(false);
        }
        catch (TorrentClientException e) when (e.Fault is ClientFault.NotFound or ClientFault.Conflict)
        {
            // The entry left, or changed its state, between two calls of this pass: the next pass looks anew.
            return new RegistrationEnd.Waits(new Refusal(RefusalReason.ClientChecking, e.Message), options.Current.PollInterval);
        }
        catch (TorrentClientException e) when (e.Fault is ClientFault.Rejected or ClientFault.Unsupported)
        {
            return new RegistrationEnd.Fails(new Refusal(RefusalReason.ClientRefused, e.Message));
        }
        catch (TorrentClientException e)
        {
            // Away, or closed to us by a password or a certificate: a person sets that right, and the torrent is no worse for it.
            return new RegistrationEnd.Waits(new Refusal(RefusalReason.ClientUnreachable, e.Message), e.IsTransient ? null : TimeSpan.FromSeconds(30));
        }
    }

    private async Task<RegistrationEnd> RunPassAsync(FinalizeRun run, CancellationToken lease)
    {
        var manifest = run.Storage.Request.Manifest;
        var found = await client.FindAsync(manifest.V1, manifest.V2, lease).ConfigureAwait(false);
        if (found is not null && !run.AddedByUs)
        {
            return await UseForeignAsync(run, found, lease).ConfigureAwait(false);
        }

        var describes = await client.DescribeAsync(refresh: false, lease).ConfigureAwait(false);
        var isNew = found is null;
        if (found is null)
        {
            (found, var end) = await AddAsync(run, describes, lease).ConfigureAwait(false);
            if (found is null)
            {
                return end!;
            }
        }

        if (run.Storage.Phase != StoredPhase.Added)
        {
            await run.Storage.SetPhaseAsync(StoredPhase.Added, null, lease).ConfigureAwait(false);
        }

        var (settled, waits) = await SettleAsync(run, found, describes, isNew, lease).ConfigureAwait(false);
        if (settled is null)
        {
            return waits!;
        }

        var (moved, elsewhere) = await PlaceAsync(run, settled, lease).ConfigureAwait(false);
        if (elsewhere is not null)
        {
            return elsewhere;
        }

        var seen = Sight(settled);

        // Whole though it was added unchecked, it was checked by the client of its own accord, as some versions do.
        var mustCheck = moved || !settled.IsComplete
            || (options.Current.Recheck == RecheckPolicy.Always && run.Checks == 0 && run.TakenAsVerified != false);
        for (var round = 0; round < MaxSelectionRounds; round++)
        {
            var (changed, failure) = await ArrangeFilesAsync(run, settled.Id, lease).ConfigureAwait(false);
            if (failure is not null)
            {
                return failure;
            }

            if (!changed && !mustCheck)
            {
                return await EndAsync(run, seen, describes, lease).ConfigureAwait(false);
            }

            // A check may set names and selection back, so both are read once more after it.
            var (after, bad) = await CheckAsync(run, seen.Status, describes, lease).ConfigureAwait(false);
            if (after is null)
            {
                return bad!;
            }

            (seen, mustCheck) = (Sight(after), false);
        }

        return new RegistrationEnd.Fails(new Refusal(RefusalReason.ClientRefused, "The client here sets names or selection back each time it checks."));
    }

    /// <summary>Moves a torrent of ours that lies at another save path, as after an Init with another place. Whether it was moved.</summary>
    private async Task<(bool Moved, RegistrationEnd? Waits)> PlaceAsync(FinalizeRun run, TorrentStatus status, CancellationToken lease)
    {
        var wanted = GetSavePath(run.Storage);
        if (ClientPresence.IsSamePath(status.SavePath, wanted))
        {
            return (false, null);
        }

        Log.Moves(logger, run.Storage.Request.Manifest.Id, status.SavePath, wanted);
        await client.SetLocationAsync([status.Id], wanted, lease).ConfigureAwait(false);
        var (_, seen) = await readBack.UntilAsync(
            ClientChange.SetLocation,
            status.Id,
            after => after is null || (ClientPresence.IsSamePath(after.SavePath, wanted) && after.State != ClientTorrentState.Moving),
            lease).ConfigureAwait(false);
        return seen is not null && seen.State != ClientTorrentState.Moving && ClientPresence.IsSamePath(seen.SavePath, wanted)
            ? (true, null)
            : (false, new RegistrationEnd.Waits(
                new Refusal(RefusalReason.ClientChecking, $"The client here has not moved the torrent to {wanted} yet."), options.Current.PollInterval));
    }

    /// <summary>A torrent that somebody else added counts when it is whole at our path; nothing about it is changed.</summary>
    private async Task<RegistrationEnd> UseForeignAsync(FinalizeRun run, TorrentStatus found, CancellationToken lease)
    {
        var storage = run.Storage;
        if (ClientPresence.Refuse(found, GetSavePath(storage), storage.Layout.SelectedBytes) is { } refusal)
        {
            return new RegistrationEnd.Waits(refusal, RetryAfter(refusal));
        }

        return await FindLostAsync(run, lease).ConfigureAwait(false) is { } lost
            ? lost
            : new RegistrationEnd.Registered(Sight(found), MarksPending: false, await GetProductAsync(lease).ConfigureAwait(false));
    }

    /// <summary>The end state, read: seeding side, whole, stopped.</summary>
    private async Task<RegistrationEnd> EndAsync(FinalizeRun run, ClientSighting seen, ClientDescription describes, CancellationToken lease)
    {
        var status = time.GetElapsedTime(seen.Stamp) <= FreshFor
            ? seen.Status
            : (await client.GetAsync([seen.Status.Id], lease).ConfigureAwait(false)).FirstOrDefault();
        if (status is { } active && active.State.IsActive())
        {
            status = await StopAsync(run, active, lease).ConfigureAwait(false);
        }

        if (status is not { IsComplete: true } || !status.State.IsStopped())
        {
            return new RegistrationEnd.Waits(
                new Refusal(RefusalReason.NotSeeding, $"The client here shows state {status?.State.ToString() ?? "none"}."), options.Current.PollInterval);
        }

        if (run.Checks > 0 || run.TakenAsVerified == false)
        {
            _canary.Succeeded(run.Storage.Request.Place.Root, describes.Epoch);
        }

        var marked = await ApplyMarksAsync(run.Storage.Request.Parameters, status, lease).ConfigureAwait(false);
        return new RegistrationEnd.Registered(status == seen.Status ? seen : Sight(status), !marked, describes.Product);
    }

    private async Task<string> GetProductAsync(CancellationToken lease) =>
        (await client.DescribeAsync(refresh: false, lease).ConfigureAwait(false)).Product;

    /// <summary>Stops a torrent that became active by itself: it was added stopped, and who starts it is decided elsewhere.</summary>
    private async Task<TorrentStatus?> StopAsync(FinalizeRun run, TorrentStatus active, CancellationToken lease)
    {
        Note(run, active.Side == TorrentSide.Downloading ? ClientViolation.Downloading : ClientViolation.Active);
        Log.ActiveByItself(logger, run.Storage.Request.Manifest.Id, active.State);
        try
        {
            await client.StopAsync([active.Id], whileChecking: false, lease).ConfigureAwait(false);
            var (stopped, seen) = await readBack.UntilAsync(
                ClientChange.Stop, active.Id, static status => status is null || !status.State.IsActive(), lease).ConfigureAwait(false);
            if (!stopped)
            {
                metrics.DestinationStopFailed();
            }

            return seen;
        }
        catch (TorrentClientException)
        {
            metrics.DestinationStopFailed();
            throw;
        }
    }

    private ClientSighting Sight(TorrentStatus status) => new(status, time.GetUtcNow(), time.GetTimestamp());

    private void Note(FinalizeRun run, ClientViolation violation)
    {
        if (run.Violations.Add(violation))
        {
            metrics.ClientViolated(violation);
        }
    }

    private string GetSavePath(ITorrentStorage storage) => ClientPaths.Join(options.Current.SavePath, storage.Request.Place.SubPath);

    /// <summary>What a person has to settle is looked at less often than what settles itself.</summary>
    private TimeSpan RetryAfter(Refusal refusal) =>
        refusal.Reason.GetKind() == RefusalKind.Wait ? options.Current.PollInterval : TimeSpan.FromSeconds(30);
}
