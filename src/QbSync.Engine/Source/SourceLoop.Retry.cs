using QbSync.Engine.Source.Handoff;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

/// <summary>What the user wants to be tried again, or handed over.</summary>
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

    /// <summary>Hands one torrent over. Why that does not begin, empty when it does, null when it is not known. From any thread.</summary>
    public async Task<string?> HandOffAsync(InfoHash id)
    {
        var answer = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await PostAsync(new SourceCommand.HandOff(id, answer)).ConfigureAwait(false);
        return await answer.Task.ConfigureAwait(false);
    }

    /// <summary>It goes alone: whose files others have, too, loses its entry here and no file.</summary>
    private void OnHandOff(SourceCommand.HandOff asked)
    {
        if (!_syncs.TryGetValue(asked.Id, out var sync))
        {
            asked.Answer.SetResult(null);
            return;
        }

        _inHand = sync.Id;
        var refusal = sync.State == TorrentSyncState.HandingOff ? "it is being handed over already" : HandoffRefusal(sync, HandoffCause.Asked);
        if (refusal is null && !PeerReady)
        {
            refusal = "the destination does not answer";
        }

        if (refusal is null && !BeginHandoff(new HandoffGroup([sync.Id], HandoffCause.Asked, FreesBytes: 0)))
        {
            refusal = "it may not go now";
        }

        asked.Answer.SetResult(refusal ?? "");
    }
}
