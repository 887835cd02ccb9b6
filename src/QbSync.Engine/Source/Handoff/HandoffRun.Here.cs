using QbSync.Engine.Shared;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>What is done in the source's client: stop, start again, look.</summary>
internal sealed partial class HandoffRun
{
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SettleBound = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ClientPause = TimeSpan.FromSeconds(1);
    private static readonly Backoff ClientPauses = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    private TimeSpan? _stoppedAt;
    private DateTimeOffset? _restsSince;
    private ClientUpdate? _listRead;
    private readonly HashSet<(InfoHash Id, ClientViolation Kind)> _violations = [];

    /// <summary>Stops what is active here, reads it back, and lets trackers hear of it before anybody starts elsewhere.</summary>
    private async Task<StepVerdict> StopHereAsync(CancellationToken cancellationToken)
    {
        _wasTouched = true;
        var bound = HandoffSteps.Of(HandoffStep.Stopping, _entry.Overlaps).Bound!.Value;
        var stops = Here.Where(static member => member.WasActive).Select(member => StopAsync(member, bound, cancellationToken));
        if (Array.Find(await Task.WhenAll(stops).ConfigureAwait(false), static verdict => verdict.Result != StepResult.Done) is { Result: not StepResult.Done } failed)
        {
            _with.Metrics.SourceStopFailed();
            return failed;
        }

        (_stoppedAt, _restsSince) = (Now, WallNow);
        await Task.WhenAll(Here.Where(static member => member is { WasActive: true, HasTrackers: true })
            .Select(member => SettleAsync(member.Handle, cancellationToken))).ConfigureAwait(false);
        return StepVerdict.Done;
    }

    private async Task<StepVerdict> StopAsync(HandoffMember member, TimeSpan bound, CancellationToken cancellationToken)
    {
        var began = Now;
        var problem = "";
        TorrentStatus? shown = null;
        while (Now - began < bound)
        {
            try
            {
                await _with.Client.StopAsync([member.Handle], whileChecking: false, cancellationToken).ConfigureAwait(false);
                var left = bound - (Now - began);
                var change = ClientChange.Stop with { Within = left > TimeSpan.Zero ? left : TimeSpan.Zero };
                var (held, seen) = await _with.ReadBack.UntilAsync(change, member.Handle, IsAtRest, cancellationToken).ConfigureAwait(false);
                if (held)
                {
                    return StepVerdict.Done;
                }

                shown = seen;
                problem = $"the client shows {seen?.State.ToString() ?? "nothing of it"}";
            }
            catch (TorrentClientException e)
            {
                problem = e.Message;
                await PauseAsync(ClientPause, cancellationToken).ConfigureAwait(false);
            }
        }

        NoteShown(member, shown, isToRun: false);
        return StepVerdict.Failed($"{member.Name} was not seen stopped here: {problem}");

        static bool IsAtRest(TorrentStatus? status) => status is { State: ClientTorrentState.StoppedUp };
    }

    /// <summary>The announce that tells of a stop goes out after the stop shows; no start elsewhere may overtake it.</summary>
    private async Task SettleAsync(ClientTorrentId id, CancellationToken cancellationToken)
    {
        var began = Now;
        await PauseAsync(SettleTime, cancellationToken).ConfigureAwait(false);
        while (Now - began < SettleBound)
        {
            try
            {
                if ((await _with.Client.GetTrackersAsync(id, cancellationToken).ConfigureAwait(false)).All(static tracker => tracker.Status != TrackerStatus.Updating))
                {
                    return;
                }
            }
            catch (TorrentClientException)
            {
                // Not known counts as not settled; the bound ends it.
            }

            await PauseAsync(ClientPause / 2, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Starts a member again until a read shows it active. A member that is gone needs no start.</summary>
    private async Task StartHereAsync(HandoffMember member, CancellationToken cancellationToken)
    {
        for (var failures = 1; member.WasActive; failures++)
        {
            var problem = "";
            try
            {
                if (await GetHereAsync(member, cancellationToken).ConfigureAwait(false) is not { } status || (!_entry.StopWasSent && IsRunning(status)))
                {
                    return;
                }

                // Also where it shows active: a stop that was not read back may still be on its way, and is overtaken only by a start after it.

                await _with.Client.StartAsync([member.Handle], force: false, cancellationToken).ConfigureAwait(false);
                var (held, seen) = await _with.ReadBack.UntilAsync(ClientChange.Start, member.Handle, IsRunning, cancellationToken).ConfigureAwait(false);
                NoteShown(member, seen, isToRun: true);
                if (held)
                {
                    return;
                }

                problem = $"the client shows {seen?.State.ToString() ?? "nothing of it"}";
            }
            catch (TorrentClientException e)
            {
                problem = e.Message;
            }

            _with.Metrics.ResumeFailed();
            Log.NotStartedAgain(_with.Logger, member.Name, member.Id, problem);
            await PauseAsync(ClientPauses.After(failures), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What the client shows of a member, for as long as it takes; null only when its removal is believed.</summary>
    private async Task<TorrentStatus?> GetHereAsync(HandoffMember member, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            try
            {
                if (await TryGetHereAsync(member, cancellationToken).ConfigureAwait(false) is { } status)
                {
                    return status;
                }

                if (_removed.ContainsKey(member.InfoHash))
                {
                    return null;
                }
            }
            catch (TorrentClientException)
            {
                // Away: what is decided about it waits.
            }

            await PauseAsync(ClientPauses.After(Math.Min(failures, 4)), cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<TorrentStatus?> TryGetHereAsync(HandoffMember member, CancellationToken cancellationToken)
    {
        var found = await _with.Client.GetAsync([member.Handle], cancellationToken).ConfigureAwait(false);
        return found.Count > 0 ? found[0] : null;
    }

    /// <summary>A member that somebody started here although the destination seeds: from the lists that come anyhow.</summary>
    private string? FindStartedHere()
    {
        if (_restsSince is not { } since || _with.Lists.Latest is not { } list || list.AskedAt <= since)
        {
            return null;
        }

        CountReuse(list);
        string? started = null;
        foreach (var member in Here)
        {
            if (list.Torrents.FirstOrDefault(status => status.Id == member.Handle) is { } status)
            {
                NoteShown(member, status, isToRun: false);
                started ??= status.State.IsActive() ? $"{member.Name} was started here" : null;
            }
        }

        return started;
    }

    /// <summary>A list of the monitor serves here, too, instead of a call of its own; each once.</summary>
    private void CountReuse(ClientUpdate list)
    {
        if (!ReferenceEquals(Interlocked.Exchange(ref _listRead, list), list))
        {
            _with.Metrics.CycleListReused();
        }
    }

    /// <summary>
    /// What a read shows of a member that was told to run, or to rest. Where that is something else it is counted, each kind once a torrent and episode; an episode ends
    /// with the first read that shows what was ordered.
    /// </summary>
    private void NoteShown(HandoffMember member, TorrentStatus? shown, bool isToRun)
    {
        if (shown is null)
        {
            return;
        }

        ClientViolation? kind = shown switch
        {
            { State: ClientTorrentState.MissingFiles } => ClientViolation.MissingFiles,
            { State: ClientTorrentState.Error } => ClientViolation.Errored,
            { IsActive: true, Side: TorrentSide.Downloading } => ClientViolation.Downloading,
            { IsActive: true } when !isToRun => ClientViolation.Active,
            _ => null,
        };
        lock (_membersGate)
        {
            if (kind is null)
            {
                _violations.RemoveWhere(violation => violation.Id == member.InfoHash);
                return;
            }

            if (!_violations.Add((member.InfoHash, kind.Value)))
            {
                return;
            }
        }

        _with.Metrics.ClientViolated(kind.Value);
    }

    private static bool IsRunning(TorrentStatus? status) => status is { IsStopped: false, Side: TorrentSide.Seeding };
}
