using Microsoft.Extensions.Logging;
using QbSync.Engine.Destination.Handoff;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>
/// Makes a torrent final: settle local content, sync, read back what was not read back, publish, register at the client, seal. An outage of the client, a
/// conflict, another torrent's writer are waited for without a worker and without an end. Stateless; a run belongs to one session.
/// </summary>
internal sealed partial class Finalizer(
    FinalizeQueue queue, ClientRegistrar? registrar, ClientWatch? watch, EngineMetrics metrics, TimeProvider time, ILogger<Finalizer> logger)
{
    /// <summary>Time until a fault of the disk, a conflict or a writer is looked at again.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);

    /// <summary>Runs to an end. Cancelling leaves a state that a later run goes on from.</summary>
    public async Task<FinalizeEnd> RunAsync(FinalizeRun run, CancellationToken lease)
    {
        var end = await RunStagesAsync(run, lease).ConfigureAwait(false);
        if (end is FinalizeEnd.Incomplete && run.Storage.Phase != StoredPhase.Receiving)
        {
            try
            {
                await run.Storage.SetPhaseAsync(StoredPhase.Receiving, null, lease).ConfigureAwait(false);
            }
            catch (StorageException e)
            {
                // After a restart the wish is found, looked at, and ends here again.
                Log.Waits(logger, run.Storage.Request.Manifest.Id, e.Fault.ToReason(), e.Message);
            }
        }

        return end;
    }

    /// <summary>Sets tags, category and limits of a complete torrent that lacked them; true when they are set.</summary>
    public Task<bool> ApplyMarksAsync(TorrentParameters parameters, Torrents.TorrentStatus status, CancellationToken cancellationToken) =>
        registrar!.ApplyMarksAsync(parameters, status, cancellationToken);

    /// <summary>Sets the share limits of a complete torrent that lacked them; true when they are set.</summary>
    public Task<bool> ApplyLimitsAsync(ShareLimits limits, Torrents.TorrentStatus status, CancellationToken cancellationToken) =>
        registrar!.ApplyLimitsAsync(limits, status, cancellationToken);

    private async Task<FinalizeEnd> RunStagesAsync(FinalizeRun run, CancellationToken lease)
    {
        while (true)
        {
            Refusal waiting;
            TimeSpan? delay = RetryAfter;
            try
            {
                await RecordAsync(run, lease).ConfigureAwait(false);
                var (end, conflict) = await MakeFilesFinalAsync(run, lease).ConfigureAwait(false);
                if (end is not null)
                {
                    return end;
                }

                if (conflict is null)
                {
                    if (registrar is null)
                    {
                        return new FinalizeEnd.NoClient();
                    }

                    switch (await registrar.RunAsync(run, lease).ConfigureAwait(false))
                    {
                        case RegistrationEnd.Registered registered:
                            if (await SealAsync(run, registered, lease).ConfigureAwait(false) is { } done)
                            {
                                return done;
                            }

                            conflict = new Refusal(RefusalReason.Incomplete, "A file was touched while the torrent was registered; it was read again.");
                            delay = TimeSpan.FromSeconds(1);
                            break;
                        case RegistrationEnd.ContentLost(var pieces):
                            return new FinalizeEnd.Incomplete(pieces);
                        case RegistrationEnd.Fails(var refusal):
                            return await FailAsync(run, refusal, lease).ConfigureAwait(false);
                        case RegistrationEnd.Waits(var refusal, var pause):
                            conflict = refusal;
                            delay = pause;
                            break;
                    }
                }

                waiting = conflict!;
            }
            catch (StorageException e) when (run.Storage.LackedPieces() is var lacked and > 0)
            {
                // The fault took pieces with it: no retry brings them back, only the source does.
                Log.Waits(logger, run.Storage.Request.Manifest.Id, e.Fault.ToReason(), e.Message);
                return new FinalizeEnd.Incomplete(lacked);
            }
            catch (StorageException e)
            {
                waiting = new Refusal(e.Fault.ToReason(), e.Message);
                if (e.Fault == StorageFault.Io)
                {
                    metrics.FinalizationEnded(success: false, time.GetElapsedTime(run.Began));
                }
            }

            Log.Waits(logger, run.Storage.Request.Manifest.Id, waiting.Reason, waiting.Detail);
            run.Report(GetStage(run.Storage), waiting: waiting);
            await (delay is { } rest ? Task.Delay(rest, time, lease) : watch!.NextAsync(lease)).ConfigureAwait(false);
        }
    }

    /// <summary>Reads final files anew, as a finalize worker. Returns how many pieces are needed again.</summary>
    public async Task<int> ReexamineAsync(ITorrentStorage storage, IReadOnlyCollection<int> files, CancellationToken cancellationToken)
    {
        using var place = await queue.EnterAsync(files.Sum(file => storage.Request.Manifest.Files[file].Length), cancellationToken).ConfigureAwait(false);
        return await storage.ReexamineFilesAsync(files, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The last look at the files, after the client's last operation on them. What changed meanwhile is read again: null when it is right all the same.
    /// </summary>
    private async Task<FinalizeEnd?> SealAsync(FinalizeRun run, RegistrationEnd.Registered registered, CancellationToken lease)
    {
        run.Report(FinalizeStage.Sealing);
        var storage = run.Storage;
        var request = new SealRequest(
            Environment.MachineName, registered.Product, registered.Seen.Status.Id.Value, SeedingControl.MakeView(registered.Seen));
        if (await WatchAsync(run, FinalizeStage.Sealing, "its proof", () => storage.SealAsync(request, lease), lease).ConfigureAwait(false) is { } proof)
        {
            return new FinalizeEnd.Completed(registered.Seen, registered.MarksPending, proof);
        }

        var changed = await storage.CheckPublishedAsync(lease).ConfigureAwait(false);
        await storage.SetPhaseAsync(StoredPhase.Receiving, null, lease).ConfigureAwait(false);
        var lost = await storage.ReexamineFilesAsync(changed, null, lease).ConfigureAwait(false);
        return lost > 0 ? new FinalizeEnd.Incomplete(lost) : null;
    }

    /// <summary>What the call brought, and the wish itself: after a crash it is finished without being asked for again.</summary>
    private static async ValueTask RecordAsync(FinalizeRun run, CancellationToken lease)
    {
        var storage = run.Storage;
        if (run.Parameters is { } parameters)
        {
            await storage.SetParametersAsync(parameters, lease).ConfigureAwait(false);
        }

        if (run.Files is { } files)
        {
            await storage.SetIdentitiesAsync(files.Identities, files.Digest, lease).ConfigureAwait(false);
        }

        if (storage.Phase is StoredPhase.Receiving or StoredPhase.Failed)
        {
            await storage.SetPhaseAsync(StoredPhase.Finalizing, null, lease).ConfigureAwait(false);
        }
    }

    private static FinalizeStage GetStage(ITorrentStorage storage) => storage.Phase is StoredPhase.Receiving or StoredPhase.Finalizing
        ? storage.DeferredPieces > 0 ? FinalizeStage.Linking : FinalizeStage.Publishing
        : FinalizeStage.Registering;

    private static async Task<FinalizeEnd> FailAsync(FinalizeRun run, Refusal refusal, CancellationToken lease)
    {
        await run.Storage.SetPhaseAsync(StoredPhase.Failed, refusal, lease).ConfigureAwait(false);
        return new FinalizeEnd.Failed(refusal);
    }
}
