using Microsoft.Extensions.Logging;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>How making files final before their torrent ended.</summary>
/// <param name="Lost">Pieces that turned out bad or were lost; their bits are clear.</param>
/// <param name="Conflict">What stands at a final name and is not ours.</param>
internal readonly record struct EarlyEnd(int Lost, Refusal? Conflict);

/// <summary>
/// Makes files final before their torrent is: synced, read back, renamed. On finalize workers, never where an ack waits. Stateless.
/// </summary>
internal sealed partial class EarlyFileFinalizer(Live<DestinationOptions> options, FinalizeQueue queue, EngineMetrics metrics, ILogger<EarlyFileFinalizer> logger)
{
    /// <summary>Finalizes files whose pieces are all held.</summary>
    public async Task<EarlyEnd> RunAsync(ITorrentStorage storage, IReadOnlyList<int> files, ReadBackLedger ledger, CancellationToken lease)
    {
        var manifest = storage.Request.Manifest;
        using var place = await queue.EnterAsync(files.Sum(file => manifest.Files[file].Length), lease).ConfigureAwait(false);
        var lost = await storage.FlushAsync(lease).ConfigureAwait(false);
        var before = storage.CopyHave();
        List<int> good = [];
        foreach (var file in files)
        {
            if (storage.IsPublished(file) || !storage.Layout.IsWhole(before, file))
            {
                continue;
            }

            if (await storage.VerifyFileAsync(file, null, lease).ConfigureAwait(false) == 0)
            {
                good.Add(file);
                continue;
            }

            var after = storage.CopyHave();
            if (ledger.Note(before, after) is var bad and > 0)
            {
                lost += bad;
                metrics.EarlyVerifyFailed();
                Log.BadFile(logger, manifest.Id, file, bad);
            }

            before = after;
        }

        return new EarlyEnd(lost, options.Current.Publish == PublishPolicy.File ? await PublishAsync(storage, good, before, lease).ConfigureAwait(false) : null);
    }

    private async Task<Refusal?> PublishAsync(ITorrentStorage storage, List<int> good, Pieces.PieceBitmap have, CancellationToken lease)
    {
        // A piece that a later file found bad may have been part of an earlier one.
        good.RemoveAll(file => !storage.Layout.IsWhole(have, file));
        if (good.Count == 0)
        {
            return null;
        }

        var isEarly = storage.HeldPieces < storage.Layout.SelectedPieceCount;
        var conflict = await storage.PublishFilesAsync(good, lease).ConfigureAwait(false);
        foreach (var file in good)
        {
            if (!storage.IsPublished(file))
            {
                Log.CannotPublish(logger, storage.Request.Manifest.Id, file, conflict?.Detail ?? "");
            }
            else if (isEarly)
            {
                metrics.FileFinalizedEarly();
            }
        }

        return conflict;
    }
}
