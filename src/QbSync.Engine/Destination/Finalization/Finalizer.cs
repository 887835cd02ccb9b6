using Microsoft.Extensions.Logging;
using QbSync.Engine.Destination.Handoff;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>
/// Makes a torrent final: sync, read back what was not read back, publish, register at the client, seal. An outage of the client or a conflict is
/// waited for without a worker and without an end. Stateless; a run belongs to one session.
/// </summary>
internal sealed partial class Finalizer(
    FinalizeQueue queue, ClientRegistrar? registrar, ClientWatch? watch, EngineMetrics metrics, TimeProvider time, ILogger<Finalizer> logger)
{
    /// <summary>Time until a fault of the disk or a conflict is looked at again.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);

    /// <summary>Runs to an end. Cancelling leaves a state that a later run goes on from.</summary>
    public async Task<FinalizeEnd> RunAsync(FinalizeRun run, CancellationToken lease)
    {
        while (true)
        {
            Refusal waiting;
            TimeSpan? delay = RetryAfter;
            try
            {
                if (run.Parameters is { } parameters)
                {
                    await run.Storage.SetParametersAsync(parameters, lease).ConfigureAwait(false);
                }

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
                        case RegistrationEnd.ContentLost(var files):
                            return new FinalizeEnd.Incomplete(files);
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
            catch (StorageException e) when (run.Storage.HeldPieces < run.Storage.Layout.SelectedPieceCount)
            {
                // The fault took pieces with it: no retry brings them back, only the source does.
                Log.Waits(logger, run.Storage.Request.Manifest.Id, e.Fault.ToReason(), e.Message);
                return new FinalizeEnd.Incomplete(run.Storage.Layout.SelectedPieceCount - run.Storage.HeldPieces);
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

    /// <summary>Sets tags and category of a complete torrent that lacked them; true when they are set.</summary>
    public Task<bool> ApplyMarksAsync(TorrentParameters parameters, Torrents.TorrentStatus status, CancellationToken cancellationToken) =>
        registrar!.ApplyMarksAsync(parameters, status, cancellationToken);

    /// <summary>Reads final files anew, as a finalize worker. Returns how many pieces are needed again.</summary>
    public async Task<int> ReexamineAsync(ITorrentStorage storage, IReadOnlyCollection<int> files, CancellationToken cancellationToken)
    {
        using var place = await queue.EnterAsync(files.Sum(file => storage.Request.Manifest.Files[file].Length), cancellationToken).ConfigureAwait(false);
        return await storage.ReexamineFilesAsync(files, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The last look at the files, after the client's last operation on them. What changed meanwhile is read again: null when it is right all the same.
    /// </summary>
    private static async Task<FinalizeEnd?> SealAsync(FinalizeRun run, RegistrationEnd.Registered registered, CancellationToken lease)
    {
        run.Report(FinalizeStage.Sealing);
        var storage = run.Storage;
        var request = new SealRequest(
            Environment.MachineName, registered.Product, registered.Seen.Status.Id.Value, SeedingControl.MakeView(registered.Seen));
        if (await storage.SealAsync(request, lease).ConfigureAwait(false) is { } proof)
        {
            return new FinalizeEnd.Completed(registered.Seen, registered.MarksPending, proof);
        }

        var changed = await storage.CheckPublishedAsync(lease).ConfigureAwait(false);
        await storage.SetPhaseAsync(StoredPhase.Receiving, null, lease).ConfigureAwait(false);
        var lost = await storage.ReexamineFilesAsync(changed, null, lease).ConfigureAwait(false);
        return lost > 0 ? new FinalizeEnd.Incomplete(lost) : null;
    }

    private static FinalizeStage GetStage(ITorrentStorage storage) =>
        storage.Phase == StoredPhase.Receiving ? FinalizeStage.Publishing : FinalizeStage.Registering;

    private async Task<(FinalizeEnd? End, Refusal? Conflict)> MakeFilesFinalAsync(FinalizeRun run, CancellationToken lease)
    {
        var storage = run.Storage;
        if (storage.Phase is not (StoredPhase.Receiving or StoredPhase.Failed))
        {
            return (null, null);
        }

        run.Report(FinalizeStage.Queued);
        using var place = await queue.EnterAsync(storage.Layout.SelectedBytes, lease).ConfigureAwait(false);
        run.Report(FinalizeStage.Syncing);
        if (await storage.FlushAsync(lease).ConfigureAwait(false) is var lost and > 0)
        {
            return (new FinalizeEnd.Incomplete(lost), null);
        }

        if (await VerifyAsync(run, lease).ConfigureAwait(false) is { } end)
        {
            return (end, null);
        }

        var (published, total) = (0, storage.Layout.Selection.SelectedCount);
        foreach (var file in storage.Layout.GetSelectedFiles())
        {
            run.Report(FinalizeStage.Publishing, published++, total);
            if (await storage.PublishFilesAsync([file], lease).ConfigureAwait(false) is { } refusal)
            {
                return (null, refusal);
            }
        }

        await storage.SetPhaseAsync(run.AddedByUs ? StoredPhase.AddIntent : StoredPhase.Published, null, lease).ConfigureAwait(false);
        return (null, null);
    }

    private async Task<FinalizeEnd?> VerifyAsync(FinalizeRun run, CancellationToken lease)
    {
        var storage = run.Storage;
        var progress = new VerifyProgress(run, storage.Layout.SelectedBytes);
        var before = storage.CopyHave();
        var notGood = 0;
        foreach (var file in storage.Layout.GetSelectedFiles())
        {
            notGood += await storage.VerifyFileAsync(file, progress, lease).ConfigureAwait(false);
            progress.EndFile(storage.Request.Manifest.Files[file].Length);
        }

        var bad = run.Ledger.Note(before, storage.CopyHave());
        if (bad == 0)
        {
            // Not good and not lost: pieces that came anew while their file was read. The next call reads them.
            return notGood == 0 ? null : new FinalizeEnd.Incomplete(notGood);
        }

        metrics.VerificationFailed(bad);
        if (run.Ledger.Repeating is { } piece)
        {
            return await FailAsync(run, Describe(storage, piece), lease).ConfigureAwait(false);
        }

        metrics.VerificationRecovered();
        return new FinalizeEnd.Incomplete(bad);
    }

    private static Refusal Describe(ITorrentStorage storage, int piece)
    {
        List<Pieces.PieceSegment> segments = [];
        storage.Layout.GetSegments(piece, segments);
        var where = segments.First(static segment => !segment.IsPad);
        return new Refusal(
            RefusalReason.VerificationRepeats,
            $"Piece {piece} was read back wrong three times: {string.Join('/', storage.Request.FileNames[where.FileIndex])}, bytes {where.FileOffset} to {where.FileOffset + where.Length}.");
    }

    private static async Task<FinalizeEnd> FailAsync(FinalizeRun run, Refusal refusal, CancellationToken lease)
    {
        await run.Storage.SetPhaseAsync(StoredPhase.Failed, refusal, lease).ConfigureAwait(false);
        return new FinalizeEnd.Failed(refusal);
    }

    /// <summary>Bytes read back, over all files. Reports come from the storage's read loop.</summary>
    private sealed class VerifyProgress(FinalizeRun run, long total) : IProgress<long>
    {
        private long _before;

        public void Report(long value) => run.Report(FinalizeStage.Verifying, Math.Min(total, _before + value), total);

        public void EndFile(long length)
        {
            _before += length;
            run.Report(FinalizeStage.Verifying, _before, total);
        }
    }
}
