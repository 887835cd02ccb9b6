using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Finalization;

internal sealed partial class Finalizer
{
    /// <summary>Work on a disk that shows no progress for so long is shown as waiting for the disk.</summary>
    private static readonly TimeSpan StallsAfter = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan StallLook = TimeSpan.FromSeconds(5);

    /// <summary>Decides local content of a torrent, on a finalize worker, never where an ack waits.</summary>
    public async Task<SettleOutcome> SettleAsync(ITorrentStorage storage, IProgress<long> bytesRead, CancellationToken lease)
    {
        using var place = await queue.EnterAsync(storage.Layout.SelectedBytes, lease).ConfigureAwait(false);
        return await storage.SettleAsync(bytesRead, lease).ConfigureAwait(false);
    }

    /// <summary>
    /// Until every file's local content is decided: settles, and waits for writers and persons without a worker. What turns out to be lacking ends it. What is in
    /// the way of a name alone is for those who give the names to tell.
    /// </summary>
    private async Task<FinalizeEnd?> LinkAsync(FinalizeRun run, CancellationToken lease)
    {
        var storage = run.Storage;
        while (true)
        {
            if (storage.LackedPieces() is var lacked and > 0)
            {
                return new FinalizeEnd.Incomplete(lacked);
            }

            if (storage.DeferredPieces == 0 && storage.HeldPieces != storage.Layout.SelectedPieceCount)
            {
                // Counted while pieces moved from one to the other, or not: this is the last word.
                return new FinalizeEnd.Incomplete(storage.LackedPieces());
            }

            if (storage.DeferredPieces == 0 && !storage.IsUnsettled)
            {
                return null;
            }

            run.Report(FinalizeStage.Linking, 0, storage.DeferredPieces);
            run.SettleSignal.Reset();
            var progress = new VerifyProgress(run, FinalizeStage.Linking, storage.Layout.SelectedBytes);
            var outcome = await WatchAsync(
                run,
                FinalizeStage.Linking,
                "content that is here already",
                async () => await SettleAsync(storage, progress, lease).ConfigureAwait(false),
                lease).ConfigureAwait(false);
            if (storage.DeferredPieces == 0 && outcome.Conflict is not null && storage.HeldPieces == storage.Layout.SelectedPieceCount)
            {
                return null;
            }

            if ((storage.DeferredPieces > 0 || storage.IsUnsettled) && storage.LackedPieces() == 0)
            {
                run.Report(FinalizeStage.Linking, 0, storage.DeferredPieces, outcome.Conflict);
                await run.SettleSignal.WaitAsync(RetryAfter, lease).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Awaits disk work. There is no limit while it advances; standing still it is shown as waiting for the disk, with what it works on, and goes on by
    /// itself when the disk does.
    /// </summary>
    private async Task<T> WatchAsync<T>(FinalizeRun run, FinalizeStage stage, string what, Func<ValueTask<T>> work, CancellationToken lease)
    {
        run.Moved(time.GetTimestamp());
        var task = work().AsTask();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(lease);
        while (!task.IsCompleted)
        {
            await Task.WhenAny(task, Task.Delay(StallLook, time, over.Token)).ConfigureAwait(false);
            if (lease.IsCancellationRequested)
            {
                break; // the work has the same lease, and is joined
            }

            if (!task.IsCompleted && time.GetElapsedTime(run.MovedAt) >= StallsAfter)
            {
                run.Stalls(stage, new Refusal(RefusalReason.StorageError, $"The disk does not move for {StallsAfter.TotalSeconds} s at {what}."));
            }
        }

        await over.CancelAsync().ConfigureAwait(false);
        return await task.ConfigureAwait(false);
    }
}
