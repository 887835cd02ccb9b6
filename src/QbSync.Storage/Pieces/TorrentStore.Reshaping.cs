using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Storage.Pieces;

public sealed partial class TorrentStore
{
    /// <inheritdoc />
    public async ValueTask<StoreOpenOutcome> ReshapeAsync(ITorrentStorage current, StoreRequest next, CancellationToken cancellationToken)
    {
        var id = next.Manifest.Id;
        Opened(_context);
        if (current is not TorrentStorage storage || storage.Request.Manifest.Id != id)
        {
            throw new ArgumentException("It is not that torrent, or not one of this store.", nameof(current));
        }

        lock (_gate)
        {
            if (_torrents.GetValueOrDefault(id) != storage || !_opening.TryAdd(id, 0))
            {
                return new StoreOpenOutcome(null, new Refusal(RefusalReason.Busy, "The torrent is being changed already, or is gone."));
            }
        }

        try
        {
            return await Task.Run(() => ReshapeAsync(storage, next), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _opening.Remove(id);
            }
        }
    }

    /// <summary>New paths come first and old ones go last, so that nobody takes either while files are under way.</summary>
    private async Task<StoreOpenOutcome> ReshapeAsync(TorrentStorage storage, StoreRequest next)
    {
        var isDone = false;
        try
        {
            var survey = new ContentSurvey(_context!, next);
            var refusal = CheckNames(next) ?? CheckRoot() ?? ReservePaths(next) ?? survey.Run(index => !storage.IsRecorded(index))
                ?? ReserveSpace(next.Manifest.Id, CountNew(storage, next, survey)) ?? await storage.ReshapeAsync(next).ConfigureAwait(false);
            if (refusal is not null)
            {
                return new StoreOpenOutcome(null, refusal);
            }

            isDone = true;
            var reopened = storage.Reopen(next);
            storage.Discarded = null;
            reopened.BeginSettling(null);
            Register(reopened);
            return new StoreOpenOutcome(reopened, null);
        }
        finally
        {
            _paths!.Release(next.Manifest.Id, [.. GetPaths(isDone ? next : storage.Request).Select(static path => path.Path)]);
        }
    }

    /// <summary>Bytes of newly selected files that nothing on disk serves.</summary>
    private static long CountNew(TorrentStorage storage, StoreRequest next, ContentSurvey survey)
    {
        var bytes = 0L;
        foreach (var file in next.Manifest.Files)
        {
            if (next.Selection.IsSelected(file.Index) && !storage.Request.Selection.IsSelected(file.Index) && !storage.IsRecorded(file.Index)
                && !survey.Found.ContainsKey(file.Index))
            {
                bytes += file.Length;
            }
        }

        return bytes;
    }
}
