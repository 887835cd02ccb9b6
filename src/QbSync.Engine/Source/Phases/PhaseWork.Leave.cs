using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Source.Phases;

internal sealed partial class PhaseWork
{
    /// <summary>Gives a torrent up at the destination, because a tag forbids it or because it is gone here.</summary>
    public async Task<PhaseResult> AbortAsync(
        PhaseInput input, AbortCause cause, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        var outcome = await destination.RepeatAsync(
            token => destination.AbortAsync(new AbortRequest(input.Id, cause), token),
            static answer => answer is AbortOutcome.Running running ? running.Progress : null,
            onProgress,
            cancellationToken).ConfigureAwait(false);
        return outcome switch
        {
            AbortOutcome.Done => new PhaseResult.Delivered(WasAborted: true),
            AbortOutcome.FinalizingInstead => new PhaseResult.FollowFinalize(),
            AbortOutcome.Refused { Refusal.Reason: RefusalReason.Complete or RefusalReason.HandedOff } => new PhaseResult.Delivered(WasAborted: false),
            AbortOutcome.Refused { Refusal.Reason: RefusalReason.Finalizing } => new PhaseResult.FollowFinalize(),
            AbortOutcome.Refused refused => PhaseResult.Held.By(refused.Refusal),
            _ => throw new InvalidOperationException("Running was repeated."),
        };
    }

    /// <summary>Finalizes with what is stored, since the source's entry is gone.</summary>
    public async Task<PhaseResult> FinalizeGoneAsync(PhaseInput input, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        if (input.Record.Finalize is not { } stored)
        {
            return new PhaseResult.Incomplete(NothingHeld);
        }

        var request = new FinalizeRequest
        {
            Id = input.Id,
            SelectionFingerprint = stored.Fingerprint,
            Parameters = new TorrentParameters
            {
                Category = stored.Category,
                Tags = stored.Tags,
                AddedAt = stored.AddedAt,
                CompletedAt = stored.CompletedAt,
                Limits = ShareLimits.FromNumbers(stored.RatioLimit, stored.SeedingLimit, stored.InactiveLimit),
            },
        };
        return await FinalizeAsync(request, onProgress, cancellationToken).ConfigureAwait(false) switch
        {
            FinalizeOutcome.Complete => new PhaseResult.Delivered(WasAborted: false),
            FinalizeOutcome.Incomplete incomplete => new PhaseResult.Incomplete(incomplete),
            FinalizeOutcome.Refused { Refusal.Reason: RefusalReason.SelectionChanged or RefusalReason.Incomplete } =>
                new PhaseResult.Incomplete(NothingHeld),
            FinalizeOutcome.Refused refused => PhaseResult.Held.By(refused.Refusal),
            _ => new PhaseResult.Delivered(WasAborted: false),
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

    private static FinalizeOutcome.Incomplete NothingHeld => new(0, new Pieces.PieceBitmap(0), new Pieces.PieceBitmap(0));
}
