using QbSync.Engine.Status;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Source.Phases;

internal sealed partial class PhaseWork
{
    /// <summary>
    /// Gives the destination the outcome that it is owed since the torrent is gone here: what is whole there is made final, started and closed; what is not is
    /// given up. Every step may be repeated, so what remains owed is begun from the front.
    /// </summary>
    /// <param name="tag">Tag for what is gone here; empty for none.</param>
    public async Task<PhaseResult> RemoveAsync(PhaseInput input, string tag, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        // What it once had whole is started first: a selection that grew since then is no reason to let it rest.
        var ended = input.Record.WasComplete ? await CloseAsync(input, tag, onProgress, cancellationToken).ConfigureAwait(false) : null;
        ended ??= await MakeWholeAsync(input, onProgress, cancellationToken).ConfigureAwait(false)
            ?? await CloseAsync(input, tag, onProgress, cancellationToken).ConfigureAwait(false);
        return ended ?? Later("The destination is not done with it.");
    }

    /// <summary>Starts what is whole there, and says that the data here is gone. Null when it is not whole.</summary>
    private async Task<PhaseResult?> CloseAsync(PhaseInput input, string tag, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        var parameters = input.Record.Finalize is { } stored ? ParametersOf(stored) : new TorrentParameters();
        var request = new StartRequest(input.Id, StartCause.RemovedAtSource, parameters);
        var started = await destination.RepeatAsync(
            token => destination.StartAsync(request, token),
            static answer => answer is StartOutcome.Running running ? running.Progress : null,
            onProgress,
            cancellationToken).ConfigureAwait(false);
        switch (started)
        {
            case StartOutcome.Unknown:
                return new PhaseResult.Delivered(WasAborted: false, "the destination does not know it");
            case StartOutcome.Refused { Refusal.Reason: RefusalReason.Incomplete or RefusalReason.Finalizing }:
                return null;
            case StartOutcome.Refused { Refusal: { Reason: not RefusalReason.StartOff } refusal }:
                return Patiently(refusal);
        }

        var proofId = input.Record.Completion?.ProofId ?? [];
        var confirmed = await destination.ConfirmHandoffAsync(new ConfirmHandoffRequest(input.Id, tag, proofId), cancellationToken).ConfigureAwait(false);
        return confirmed switch
        {
            ConfirmOutcome.Refused refused => Patiently(refused.Refusal),
            _ when started is StartOutcome.Started => new PhaseResult.Delivered(WasAborted: false, "the destination seeds it"),
            _ => new PhaseResult.Delivered(WasAborted: false, "the destination keeps it, stopped"),
        };
    }

    /// <summary>Makes it final there if all of it had arrived, else gives it up. Null when it is whole there.</summary>
    private async Task<PhaseResult?> MakeWholeAsync(PhaseInput input, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        if (input.Record.AllArrived)
        {
            var outcome = await FinalizeGoneAsync(input, onProgress, cancellationToken).ConfigureAwait(false);
            switch (outcome)
            {
                case FinalizeOutcome.Complete:
                    return null;
                case FinalizeOutcome.Refused { Refusal.Reason: not (RefusalReason.Incomplete or RefusalReason.SelectionChanged) } refused:
                    return Patiently(refused.Refusal);
            }
        }

        switch (await AbortAsync(input, AbortCause.RemovedAtSource, onProgress, cancellationToken).ConfigureAwait(false))
        {
            case AbortOutcome.Done:
                return new PhaseResult.Delivered(WasAborted: true, "the destination gave up what it had of it");
            case AbortOutcome.Refused { Refusal.Reason: RefusalReason.Complete or RefusalReason.HandedOff }:
                return null;
            case AbortOutcome.Refused { Refusal: { Reason: not RefusalReason.Finalizing } refusal }:
                return Patiently(refusal);
        }

        // All of it had arrived there, though not every answer had arrived here.
        return await FinalizeGoneAsync(input, onProgress, cancellationToken).ConfigureAwait(false) switch
        {
            FinalizeOutcome.Complete => null,
            FinalizeOutcome.Refused refused => Patiently(refused.Refusal),
            _ => Later("The destination is making it final."),
        };
    }

    /// <summary>Finalizes with what is stored; null when nothing is.</summary>
    private async Task<FinalizeOutcome?> FinalizeGoneAsync(PhaseInput input, Action<OperationProgress> onProgress, CancellationToken cancellationToken)
    {
        if (input.Record.Finalize is not { } stored)
        {
            return null;
        }

        var request = new FinalizeRequest { Id = input.Id, SelectionFingerprint = stored.Fingerprint, Parameters = ParametersOf(stored) };
        return await FinalizeAsync(request, onProgress, cancellationToken).ConfigureAwait(false);
    }

    private static PhaseResult.Held Later(string text) => new(WaitingReason.Verification, FaultClass.TransientPeer, null, text);

    /// <summary>Nobody can fix a torrent here that is gone: whatever speaks against it there is asked again now and then, until it holds no more.</summary>
    private static PhaseResult.Held Patiently(Refusal refusal)
    {
        var held = PhaseResult.Held.By(refusal);
        return refusal.Reason.GetKind() == RefusalKind.Permanent || refusal.Reason == RefusalReason.NotSeeding
            ? held with { Fault = FaultClass.Conflict }
            : held;
    }
}
