using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Source.Phases;

internal sealed partial class PhaseWork
{
    /// <summary>Gives a torrent up at the destination because the user forbids it now.</summary>
    public async Task<PhaseResult> ExcludeAsync(PhaseInput input, Action<OperationProgress> onProgress, CancellationToken cancellationToken) =>
        await AbortAsync(input, AbortCause.Excluded, onProgress, cancellationToken).ConfigureAwait(false) switch
        {
            AbortOutcome.Done => new PhaseResult.Delivered(WasAborted: true, "the destination gave up what it had of it"),
            // It is whole there, or will be in a moment: nothing unfinished is left to give up.
            AbortOutcome.FinalizingInstead
                or AbortOutcome.Refused { Refusal.Reason: RefusalReason.Finalizing or RefusalReason.Complete or RefusalReason.HandedOff } =>
                new PhaseResult.Delivered(WasAborted: false, "the destination has all of it"),
            AbortOutcome.Refused refused => PhaseResult.Held.By(refused.Refusal),
            _ => throw new InvalidOperationException("Running was repeated."),
        };

    /// <summary>Takes a start at the destination back.</summary>
    public async Task<PhaseResult> WithdrawAsync(PhaseInput input, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        var outcome = await destination.RepeatAsync(
            token => destination.WithdrawAsync(new WithdrawRequest(input.Id), token),
            static answer => answer is WithdrawOutcome.Running running ? running.Progress : null,
            onProgress,
            cancellationToken).ConfigureAwait(false);
        return outcome switch
        {
            WithdrawOutcome.Done done => new PhaseResult.Withdrawn(done.Seen),
            WithdrawOutcome.Refused { Refusal.Reason: RefusalReason.HandedOff } => new PhaseResult.Withdrawn(null),
            WithdrawOutcome.Refused refused => PhaseResult.Held.By(refused.Refusal),
            _ => throw new InvalidOperationException("Running was repeated."),
        };
    }

    /// <summary>Sets a tag and looks whether it is there.</summary>
    public async Task<PhaseResult> TagAsync(ClientTorrentId id, string tag, CancellationToken cancellationToken)
    {
        try
        {
            await client.AddTagsAsync([id], [tag], cancellationToken).ConfigureAwait(false);
            var (isTagged, _) = await readBack.UntilAsync(
                ClientChange.AddTags, id, status => status?.Tags.Contains(tag) ?? false, cancellationToken).ConfigureAwait(false);
            if (isTagged)
            {
                return new PhaseResult.Tagged(Done: true);
            }
        }
        catch (TorrentClientException)
        {
        }

        metrics.TagFailed();
        return new PhaseResult.Tagged(Done: false);
    }

    /// <summary>Takes the tag of a failure away; the next look at the client tells whether it is gone, and what is done then.</summary>
    public async Task UntagAsync(ClientTorrentId id, string tag, CancellationToken cancellationToken)
    {
        try
        {
            await client.RemoveTagsAsync([id], [tag], cancellationToken).ConfigureAwait(false);
        }
        catch (TorrentClientException)
        {
            metrics.TagFailed();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>What had become final there once is not ours to discard.</summary>
    private Task<AbortOutcome> AbortAsync(
        PhaseInput input, AbortCause cause, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        var request = new AbortRequest(input.Id, cause, input.Record.WasComplete ? AbortMode.Keep : AbortMode.Discard);
        return destination.RepeatAsync(
            token => destination.AbortAsync(request, token),
            static answer => answer is AbortOutcome.Running running ? running.Progress : null,
            onProgress,
            cancellationToken);
    }
}
