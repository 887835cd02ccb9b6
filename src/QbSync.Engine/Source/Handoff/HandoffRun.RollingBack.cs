using QbSync.Engine.Source.Phases;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Source.Handoff;

/// <summary>The way back, and what was found open at the start of a process.</summary>
internal sealed partial class HandoffRun
{
    private static readonly TimeSpan AbsentLooksApart = TimeSpan.FromSeconds(5);

    /// <summary>There first, then here, so that both are never active while the destination answers; what somebody removed here is started there.</summary>
    private async Task<StepVerdict> RollBackAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_entry.Members.Where(static member => !member.IsGone).ToArray()
            .Select(member => RollBackAsync(member, cancellationToken))).ConfigureAwait(false);
        return StepVerdict.Done;
    }

    private async Task RollBackAsync(HandoffMember member, CancellationToken cancellationToken)
    {
        // A source that cannot seed again now leaves the destination as it is.
        if (await GetHereAsync(member, cancellationToken).ConfigureAwait(false) is null)
        {
            await LeaveToDestinationAsync(member, cancellationToken).ConfigureAwait(false);
            return;
        }

        // After a silence one more try is all: the destination may be back by now.
        var patience = _isSilent ? TimeSpan.Zero : Silence;
        var isWithdrawn = !_entry.MayBeActiveThere || await WithdrawAsync(member, patience, cancellationToken).ConfigureAwait(false);
        await StartHereAsync(member, cancellationToken).ConfigureAwait(false);
        if (!isWithdrawn)
        {
            await WithdrawAsync(member, Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Asks until the destination has read back that it does not seed by our doing; false when that took too long.</summary>
    private async Task<bool> WithdrawAsync(HandoffMember member, TimeSpan bound, CancellationToken cancellationToken)
    {
        var began = Now;
        for (var failures = 1; ; failures++)
        {
            try
            {
                var outcome = await _with.Destination.WithdrawAsync(new WithdrawRequest(member.InfoHash), cancellationToken).ConfigureAwait(false);
                SuspendIfSuperseded(outcome);
                if (HandoffRules.IsWithdrawn(outcome))
                {
                    Heard();
                    return true;
                }
            }
            catch (PeerException)
            {
                // Away: told below, by time alone.
            }

            if (bound >= TimeSpan.Zero && Now - began >= bound)
            {
                Log.SeedsDespiteSilence(_with.Logger, member.Name, member.Id, bound.TotalMinutes);
                return false;
            }

            await PauseAsync(PeerPauses.After(failures), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Somebody removed it here in the middle of its handoff: the destination seeds it from now on.</summary>
    private async Task LeaveToDestinationAsync(HandoffMember member, CancellationToken cancellationToken)
    {
        var parameters = _contents.GetValueOrDefault(member.InfoHash)?.Parameters
            ?? (_facts.GetValueOrDefault(member.InfoHash)?.Record.Finalize is { } stored ? PhaseWork.ParametersOf(stored) : new TorrentParameters());
        var request = new StartRequest(member.InfoHash, StartCause.RemovedAtSource, parameters);
        var outcome = await AskForeverAsync(request, cancellationToken).ConfigureAwait(false);
        if (outcome is not StartOutcome.Started)
        {
            Log.NotStartedThere(_with.Logger, member.Name, member.Id, Describe(outcome));
        }

        lock (_membersGate)
        {
            _entry = _entry.With(member with { IsGone = true, WasRemoved = true });
        }
    }

    private async Task<StartOutcome> AskForeverAsync(StartRequest request, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            try
            {
                var outcome = await _with.Destination.StartAsync(request, cancellationToken).ConfigureAwait(false);
                SuspendIfSuperseded(outcome);
                if (IsDefinite(outcome) && RefusalOf(outcome)?.Reason != RefusalReason.Uncertain)
                {
                    return outcome;
                }
            }
            catch (PeerException)
            {
                // Owed for as long as it takes.
            }

            await PauseAsync(ConfirmPauses.After(failures), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Where to go on with an entry of an earlier process.</summary>
    private async Task<HandoffStep> RecoverAsync()
    {
        Log.Recovers(_with.Logger, Names, _entry.Step, _entry.BegunAt);
        var cancellationToken = _suspended.Token;
        switch (_entry)
        {
            case { Step: HandoffStep.None or HandoffStep.Prepared or HandoffStep.Closed }:
                return HandoffStep.Closed;
            case { Step: HandoffStep.Confirming or HandoffStep.RollingBack }:
                return _entry.Step;
            case { Step: HandoffStep.Stopping, MayBeActiveThere: false }:
                return HandoffStep.RollingBack;
            case { Step: HandoffStep.Deleting }:
                foreach (var member in Here.ToArray())
                {
                    if (await IsGoneAfterCrashAsync(member, cancellationToken).ConfigureAwait(false))
                    {
                        OnGone(member);
                    }
                }

                _restsSince = WallNow;
                return Here.Any() ? HandoffStep.Proving : HandoffStep.Confirming;
        }

        return await RecoverStartedAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Whether a delete that may have been sent took effect: not listed by a client that answers, twice. One that came up without its profile looks the same; then the
    /// entry that comes back later is stopped, and its destination seeds.
    /// </summary>
    private async Task<bool> IsGoneAfterCrashAsync(HandoffMember member, CancellationToken cancellationToken)
    {
        for (var looks = 0; looks < 2; looks++)
        {
            if (await GetAfterDeleteAsync(member, cancellationToken).ConfigureAwait(false) is not null)
            {
                return false;
            }

            await PauseAsync(AbsentLooksApart, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>A start may have been sent: active there and at rest here goes on from the step that verifies it, anything else goes back.</summary>
    private async Task<HandoffStep> RecoverStartedAsync(CancellationToken cancellationToken)
    {
        var verdict = await ResolveAsync(cancellationToken).ConfigureAwait(false);
        if (verdict.Result == StepResult.Done && !_entry.Overlaps)
        {
            foreach (var member in Here.ToArray())
            {
                if (await GetHereAsync(member, cancellationToken).ConfigureAwait(false) is not { IsStopped: true })
                {
                    verdict = StepVerdict.Failed($"{member.Name} is not stopped here");
                }
            }
        }

        Note(verdict);
        _restsSince = _entry.Overlaps ? null : WallNow;
        return verdict.Result == StepResult.Done ? HandoffStep.Verifying : HandoffStep.RollingBack;
    }
}
