using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Finalization;

internal sealed partial class Finalizer
{
    private async Task<(FinalizeEnd? End, Refusal? Conflict)> MakeFilesFinalAsync(FinalizeRun run, CancellationToken lease)
    {
        var storage = run.Storage;
        if (await LinkAsync(run, lease).ConfigureAwait(false) is { } lacks)
        {
            return (lacks, null);
        }

        if (storage.Phase is not StoredPhase.Finalizing && storage.Layout.GetSelectedFiles().All(storage.IsPublished))
        {
            return (null, null);
        }

        run.Report(FinalizeStage.Queued);
        using var place = await queue.EnterAsync(storage.Layout.SelectedBytes, lease).ConfigureAwait(false);
        run.Report(FinalizeStage.Syncing);
        if (await WatchAsync(run, FinalizeStage.Syncing, "its files", () => storage.FlushAsync(lease), lease).ConfigureAwait(false) is var lost and > 0)
        {
            return (new FinalizeEnd.Incomplete(lost), null);
        }

        if (await VerifyAsync(run, lease).ConfigureAwait(false) is { } end)
        {
            return (end, null);
        }

        int[] files = [.. storage.Layout.GetSelectedFiles()];
        run.Report(FinalizeStage.Publishing, 0, files.Length);
        if (await WatchAsync(run, FinalizeStage.Publishing, "its names", () => storage.PublishFilesAsync(files, lease), lease)
            .ConfigureAwait(false) is { } refusal)
        {
            return (null, refusal);
        }

        if (storage.Phase == StoredPhase.Finalizing)
        {
            await storage.SetPhaseAsync(storage.AddedByUs ? StoredPhase.AddIntent : StoredPhase.Published, null, lease).ConfigureAwait(false);
        }

        return (null, null);
    }

    private async Task<FinalizeEnd?> VerifyAsync(FinalizeRun run, CancellationToken lease)
    {
        var storage = run.Storage;
        var progress = new VerifyProgress(run, FinalizeStage.Verifying, storage.Layout.SelectedBytes);
        var before = storage.CopyHave();
        var notGood = 0;
        foreach (var file in storage.Layout.GetSelectedFiles())
        {
            notGood += await WatchAsync(
                run, FinalizeStage.Verifying, Describe(storage, file), () => storage.VerifyFileAsync(file, progress, lease), lease).ConfigureAwait(false);
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
            return await FailAsync(run, ReadBackLedger.Describe(storage, piece), lease).ConfigureAwait(false);
        }

        metrics.VerificationRecovered();
        return new FinalizeEnd.Incomplete(bad);
    }

    private static string Describe(ITorrentStorage storage, int file) => string.Join('/', [.. storage.Request.Place.SubPath, .. storage.Request.FileNames[file]]);

    /// <summary>Bytes read, over all files. Reports come from the storage's read loop.</summary>
    private sealed class VerifyProgress(FinalizeRun run, FinalizeStage stage, long total) : IProgress<long>
    {
        private long _before;

        public void Report(long value) => run.Report(stage, Math.Min(total, _before + value), total);

        public void EndFile(long length)
        {
            _before += length;
            run.Report(stage, _before, total);
        }
    }
}
