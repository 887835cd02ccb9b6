using QbSync.Engine.Shared;
using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Engine.Source.Handoff;

internal sealed partial class HandoffRun
{
    /// <summary>Two seeders are worse than this long without one; after that the source seeds again.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(10);

    private static readonly Backoff PeerPauses = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
    private readonly Lock _silenceGate = new();
    private TimeSpan? _silentSince;

    /// <summary>An answer of the destination, or why there is none.</summary>
    private readonly record struct Asked<T>(T? Answer, StepVerdict Verdict)
        where T : class;

    /// <summary>
    /// Asks until an answer says something. Time in which nothing is answered does not count against the bound: a handoff outlasts an outage, up to the silence that
    /// ends it.
    /// </summary>
    private async Task<Asked<T>> AskAsync<T>(
        string what, Func<CancellationToken, Task<T>> call, Func<T, bool> isDefinite, TimeSpan bound, CancellationToken cancellationToken, bool isPatient = true)
        where T : class
    {
        var spent = TimeSpan.Zero;
        for (var failures = 0; ;)
        {
            var began = Now;
            try
            {
                var answer = await call(cancellationToken).ConfigureAwait(false);
                SuspendIfSuperseded(answer);
                if (isDefinite(answer))
                {
                    Heard();
                    return new Asked<T>(answer, StepVerdict.Done);
                }

                await PauseAsync(PauseAfter(answer), cancellationToken).ConfigureAwait(false);
                spent += Now - began;
                if (spent >= bound)
                {
                    return new Asked<T>(null, StepVerdict.Failed($"{what} took longer than {bound.TotalSeconds:0} s ({Describe(answer)})", DeleteBlock.NoProof));
                }
            }
            catch (PeerException e) when (!isPatient)
            {
                return new Asked<T>(null, StepVerdict.Failed(e.Message, DeleteBlock.DestinationUnreachable));
            }
            catch (PeerException)
            {
                if (SilentFor(began) >= Silence)
                {
                    return new Asked<T>(null, new StepVerdict(
                        StepResult.Silent, $"the destination was silent for {Silence.TotalMinutes:0} min", Block: DeleteBlock.DestinationUnreachable));
                }

                await PauseAsync(PeerPauses.After(++failures), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>What is running is asked for again at once, as it waits itself; what is refused for now needs a moment.</summary>
    private static TimeSpan PauseAfter(object answer) => RefusalOf(answer) is null ? TimeSpan.FromMilliseconds(100) : PeerPauses.First;

    private void Heard()
    {
        lock (_silenceGate)
        {
            _silentSince = null;
        }
    }

    private TimeSpan SilentFor(TimeSpan began)
    {
        lock (_silenceGate)
        {
            _silentSince ??= began;
            return Now - _silentSince.Value;
        }
    }

    /// <summary>What the destination says of the members, the worst of all of them.</summary>
    private async Task<(SeedingThere There, StepVerdict Verdict, IReadOnlyList<DestinationTorrentStatus> Statuses)> LookThereAsync(
        CancellationToken cancellationToken)
    {
        var ids = Here.Select(static member => member.InfoHash).ToArray();
        List<DestinationTorrentStatus> statuses = [];
        foreach (var batch in ids.Chunk(256))
        {
            var asked = await AskAsync(
                "the status", token => _with.Destination.GetStatusAsync(batch, withBitmaps: false, token), static _ => true, Silence, cancellationToken)
                .ConfigureAwait(false);
            if (asked.Answer is null)
            {
                return (SeedingThere.Unknown, asked.Verdict, []);
            }

            statuses.AddRange(asked.Answer);
        }

        var worst = SeedingThere.Active;
        var reason = "";
        foreach (var id in ids)
        {
            var status = statuses.Find(status => status.Id == id);
            var there = status is null ? SeedingThere.Unknown : HandoffRules.JudgeThere(status);
            if (there == SeedingThere.Inactive)
            {
                return (there, StepVerdict.Failed($"the destination shows {Describe(status!)}", DeleteBlock.DestinationNotSeeding), statuses);
            }

            if (there == SeedingThere.Unknown)
            {
                (worst, reason) = (there, status is null ? "no answer" : Describe(status));
            }
        }

        return (worst, worst == SeedingThere.Active ? StepVerdict.Done : StepVerdict.Failed($"the destination shows {reason}", DeleteBlock.DestinationNotSeeding), statuses);
    }

    /// <summary>A newer holder of this source's state was seen there: that one goes on with the journal.</summary>
    private void SuspendIfSuperseded(object answer)
    {
        if (RefusalOf(answer)?.Reason == RefusalReason.Superseded)
        {
            _suspended.Cancel();
            _suspended.Token.ThrowIfCancellationRequested();
        }
    }

    private static bool IsDefinite(object answer) => answer is not (ProveOutcome.Running or StartOutcome.Running or WithdrawOutcome.Running)
        && RefusalOf(answer)?.Reason.GetKind() != RefusalKind.Wait;

    private static Refusal? RefusalOf(object answer) => answer switch
    {
        ProveOutcome.Refused refused => refused.Refusal,
        StartOutcome.Refused refused => refused.Refusal,
        WithdrawOutcome.Refused refused => refused.Refusal,
        ConfirmOutcome.Refused refused => refused.Refusal,
        _ => null,
    };

    private static string Describe(object answer) => RefusalOf(answer) is { } refusal
        ? refusal.Detail.Length == 0 ? refusal.Reason.ToString() : $"{refusal.Reason}: {refusal.Detail}"
        : answer is DestinationTorrentStatus status ? $"{status.State}{(status.Client is { } client ? $", {client.State}" : "")}" : answer.GetType().Name;

    private Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken) => Task.Delay(pause, _with.Clock.Provider, cancellationToken);
}
