using Microsoft.Extensions.Logging;
using QbSync.Ports;

namespace QbSync.Engine.Destination.Finalization;

/// <summary>
/// Makes files final before their torrent is: synced, read back, renamed. On finalize workers, never where an ack waits. Stateless.
/// </summary>
internal sealed partial class EarlyFileFinalizer(FinalizeQueue queue, EngineMetrics metrics, ILogger<EarlyFileFinalizer> logger)
{
    /// <summary>Finalizes files whose pieces are all held. Returns how many pieces turned out bad or were lost; their bits are clear.</summary>
    public async Task<int> RunAsync(ITorrentStorage storage, IReadOnlyList<int> files, ReadBackLedger ledger, CancellationToken lease)
    {
        var manifest = storage.Request.Manifest;
        using var place = await queue.EnterAsync(files.Sum(file => manifest.Files[file].Length), lease).ConfigureAwait(false);
        var lost = await storage.FlushAsync(lease).ConfigureAwait(false);
        var before = storage.CopyHave();
        foreach (var file in files)
        {
            if (storage.IsPublished(file) || !storage.Layout.IsWhole(before, file))
            {
                continue;
            }

            if (await storage.VerifyFileAsync(file, null, lease).ConfigureAwait(false) > 0)
            {
                var after = storage.CopyHave();
                var bad = ledger.Note(before, after);
                before = after;
                if (bad == 0)
                {
                    continue;
                }

                lost += bad;
                metrics.EarlyVerifyFailed();
                Log.BadFile(logger, storage.Request.Manifest.Id, file, bad);
                continue;
            }

            if (await storage.PublishFilesAsync([file], lease).ConfigureAwait(false) is { } refusal)
            {
                Log.CannotPublish(logger, manifest.Id, file, refusal.Detail);
            }
            else if (storage.HeldPieces < storage.Layout.SelectedPieceCount)
            {
                metrics.FileFinalizedEarly();
            }
        }

        return lost;
    }
}
