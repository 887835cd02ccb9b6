using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>What the user wants to be tried again.</summary>
internal sealed partial class SourceLoop
{
    /// <summary>Clears failure, tag and pause of one torrent, or of all. How many had any; null when that one is not known. From any thread.</summary>
    public async Task<int?> RetryAsync(InfoHash? id)
    {
        var answer = new TaskCompletionSource<int?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await PostAsync(new SourceCommand.Retry(id, answer)).ConfigureAwait(false);
        return await answer.Task.ConfigureAwait(false);
    }

    private void OnRetry(SourceCommand.Retry retry)
    {
        if (retry.Id is { } id && !_syncs.ContainsKey(id))
        {
            retry.Answer.SetResult(null);
            return;
        }

        retry.Answer.SetResult(_syncs.Values.Where(sync => retry.Id is null || sync.Id == retry.Id).ToArray().Count(Retry));
    }

    private bool Retry(TorrentSync sync)
    {
        _inHand = sync.Id;
        switch (sync)
        {
            case { State: TorrentSyncState.Failed, Status: { } status } when _options.SyncFailedTag.Length > 0 && status.Tags.Contains(_options.SyncFailedTag):
                // As if the user had removed the tag: it goes on when the client shows it without.
                sync.FailedTagWasSeen = true;
                Persist(sync);
                Track(_work.UntagAsync(sync.ClientId, _options.SyncFailedTag, _phasesEnd.Token));
                return true;
            case { State: TorrentSyncState.Failed, IsBusy: false, Status: not null }:
                Readmit(sync, "the user asked for it");
                return true;
            case { Hold: not null, State: not TorrentSyncState.Failed }:
                sync.Hold = null;
                sync.Strikes.Clear();
                Consider(sync);
                _isReportDue = true;
                return true;
            default:
                return false;
        }
    }
}
