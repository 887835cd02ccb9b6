using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Source.Handoff;

/// <summary>Steps 3 to 6: started there, seen active, taken by a tracker, left alone for a while.</summary>
internal sealed partial class HandoffRun
{
    private static readonly TimeSpan LooksApart = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LooksWhileWaiting = TimeSpan.FromSeconds(30);
    private IReadOnlyList<DestinationTorrentStatus> _announces = [];

    /// <summary>What was seen decides: an answer that is lost or in doubt is looked for in the status, both ways.</summary>
    private async Task<StepVerdict> StartThereAsync(CancellationToken cancellationToken)
    {
        _wasTouched = true;
        var bound = HandoffSteps.Of(HandoffStep.Starting, _entry.Overlaps).Bound!.Value;
        var verdicts = await Task.WhenAll(Here.Select(member => StartThereAsync(member, bound, cancellationToken))).ConfigureAwait(false);
        var verdict = Array.Find(verdicts, static verdict => verdict.Result != StepResult.Done);
        if (verdict.Result == StepResult.Done)
        {
            OnStartedThere();
        }

        return verdict;
    }

    private async Task<StepVerdict> StartThereAsync(HandoffMember member, TimeSpan bound, CancellationToken cancellationToken)
    {
        var request = new StartRequest(member.InfoHash, StartCause.Handoff, _contents[member.InfoHash].Parameters);
        var began = Now;
        StartOutcome outcome;
        do
        {
            try
            {
                outcome = await _with.Destination.StartAsync(request, cancellationToken).ConfigureAwait(false);
            }
            catch (PeerException)
            {
                SilentFor(began);
                return await ResolveAsync(cancellationToken).ConfigureAwait(false);
            }

            Heard();
            SuspendIfSuperseded(outcome);
            if (!IsDefinite(outcome))
            {
                await PauseAsync(PauseAfter(outcome), cancellationToken).ConfigureAwait(false);
            }
        }
        while (!IsDefinite(outcome) && Now - began < bound);

        return outcome switch
        {
            StartOutcome.Started => StepVerdict.Done,
            StartOutcome.Refused { Refusal.Reason: RefusalReason.Uncertain } => await ResolveAsync(cancellationToken).ConfigureAwait(false),
            _ => StepVerdict.Failed($"{member.Name} does not start there: {Describe(outcome)}", DeleteBlock.DestinationNotSeeding),
        };
    }

    /// <summary>Asks until it is known whether the members are active there: then on, or back.</summary>
    private async Task<StepVerdict> ResolveAsync(CancellationToken cancellationToken)
    {
        var began = Now;
        while (true)
        {
            var (there, verdict, _) = await LookThereAsync(cancellationToken).ConfigureAwait(false);
            if (there != SeedingThere.Unknown || verdict.Result == StepResult.Silent)
            {
                return verdict;
            }

            // It answers, and does not know: the client there is away. That silence counts like any other.
            if (Now - began >= Silence)
            {
                return verdict with { Result = StepResult.Silent };
            }

            await PauseAsync(PeerPauses.First, cancellationToken).ConfigureAwait(false);
        }
    }

    private void OnStartedThere()
    {
        if (_stoppedAt is { } stopped)
        {
            _with.Metrics.HandoffGap(Now - stopped);
            _stoppedAt = null;
        }

        _entry = _entry with { StartedAt = WallNow };
    }

    private async Task<StepVerdict> VerifyAsync(CancellationToken cancellationToken)
    {
        var bound = HandoffSteps.Of(HandoffStep.Verifying, _entry.Overlaps).Bound!.Value;
        if (_entry.StartedAt is null)
        {
            OnStartedThere();
        }

        var seen = 0;
        for (var spent = TimeSpan.Zero; spent < bound; spent += LooksApart)
        {
            var (there, verdict) = await LookAsync(cancellationToken).ConfigureAwait(false);
            if (verdict.Result != StepResult.Done && there != SeedingThere.Unknown || verdict.Result == StepResult.Silent)
            {
                return verdict;
            }

            seen = there == SeedingThere.Active ? seen + 1 : 0;
            if (seen == 2)
            {
                return StepVerdict.Done;
            }

            await PauseAsync(LooksApart, cancellationToken).ConfigureAwait(false);
        }

        return StepVerdict.Failed($"it was not seen active there within {bound.TotalSeconds:0} s", DeleteBlock.DestinationNotSeeding);
    }

    /// <summary>One look at both sides: active there, at rest here.</summary>
    private async Task<(SeedingThere There, StepVerdict Verdict)> LookAsync(CancellationToken cancellationToken)
    {
        var (there, verdict, statuses) = await LookThereAsync(cancellationToken).ConfigureAwait(false);
        if (FindStartedHere() is { } started)
        {
            return (SeedingThere.Inactive, StepVerdict.Failed(started));
        }

        _announces = statuses;
        return (there, verdict);
    }

    private async Task<StepVerdict> AwaitAnnounceAsync(CancellationToken cancellationToken)
    {
        if (!_with.Options.Current.Handoff.VerifyAnnounce || !Here.Any(static member => member.HasTrackers))
        {
            return StepVerdict.Done;
        }

        for (var spent = TimeSpan.Zero; ; spent += LooksApart)
        {
            var (there, verdict) = await LookAsync(cancellationToken).ConfigureAwait(false);
            if (there == SeedingThere.Inactive || verdict.Result == StepResult.Silent)
            {
                return verdict;
            }

            if (FindRefusedAnnounce() is { } refused)
            {
                return new StepVerdict(StepResult.Failed, refused, IsOfTracker: true, DeleteBlock.AnnounceRefused);
            }

            if (there == SeedingThere.Active && Here.All(IsAnnounced))
            {
                return StepVerdict.Done;
            }

            if (spent >= _with.Options.Current.Handoff.AnnounceTimeout)
            {
                return StepVerdict.Failed(
                    $"no tracker took the destination's announce within {_with.Options.Current.Handoff.AnnounceTimeout.TotalSeconds:0} s", DeleteBlock.AnnounceRefused);
            }

            await PauseAsync(LooksApart, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool IsAnnounced(HandoffMember member) => !member.HasTrackers
        || _announces.Any(status => status.Id == member.InfoHash && status.Client?.Announce == AnnounceState.Accepted);

    private string? FindRefusedAnnounce()
    {
        foreach (var member in Here.Where(static member => member.HasTrackers))
        {
            if (_announces.FirstOrDefault(status => status.Id == member.InfoHash)?.Client is { Announce: AnnounceState.Rejected } client)
            {
                return client.AnnounceText.Length == 0
                    ? $"a tracker refuses {member.Name} there" : $"a tracker refuses {member.Name} there: {client.AnnounceText}";
            }
        }

        return null;
    }

    /// <summary>Both sides seed for as long as the user allows; then who is active here is noted anew, since the stop comes next.</summary>
    private async Task<StepVerdict> OverlapAsync(CancellationToken cancellationToken)
    {
        var verdict = await WatchUntilAsync(() => _entry.StartedAt + _with.Options.Current.Handoff.Overlap, cancellationToken).ConfigureAwait(false);
        if (verdict.Result == StepResult.Done && !_entry.StopWasSent)
        {
            await NoteActiveAsync(cancellationToken).ConfigureAwait(false);
        }

        return verdict;
    }

    private Task<StepVerdict> WaitAsync(CancellationToken cancellationToken) => WatchUntilAsync(
        () => _entry.Cause == HandoffCause.Drain || _with.IsDesperate() ? null : _entry.StartedAt + _with.Options.Current.Handoff.DeleteGrace, cancellationToken);

    /// <summary>Looks at the destination now and then until a time, which may come nearer meanwhile.</summary>
    private async Task<StepVerdict> WatchUntilAsync(Func<DateTimeOffset?> end, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (there, verdict) = await LookAsync(cancellationToken).ConfigureAwait(false);
            if (there == SeedingThere.Inactive || verdict.Result == StepResult.Silent)
            {
                return verdict;
            }

            if (_with.Options.Current.Handoff.VerifyAnnounce && FindRefusedAnnounce() is { } refused)
            {
                return new StepVerdict(StepResult.Failed, refused, IsOfTracker: true, DeleteBlock.AnnounceRefused);
            }

            if (end() is not { } until || until <= WallNow)
            {
                return StepVerdict.Done;
            }

            var pause = until - WallNow;
            await PauseAsync(pause < LooksWhileWaiting ? pause : LooksWhileWaiting, cancellationToken).ConfigureAwait(false);
        }
    }
}
