using QbSync.Engine.Source.Drain;
using QbSync.Engine.Source.Handoff;
using QbSync.Engine.Source.Planning;
using QbSync.Engine.Source.Streaming;
using QbSync.Engine.Status;

namespace QbSync.Engine.Source;

/// <summary>Handing everything over before the source goes away.</summary>
internal sealed partial class SourceLoop
{
    private const int ShownLeft = 5;
    private SourceDrain? _drain;
    private TaskCompletionSource<DrainReport?>? _drainAnswer;
    private bool _isLeaving;
    private bool _hasDrained;

    /// <summary>From now on no torrent is discovered and no handoff begins, but by a drain. From any thread.</summary>
    public void Leave() => Track(PostAsync(new SourceCommand.Leave()));

    /// <summary>Hands over what is synced, and what becomes so in time. Null while another drain is on, or when it is too late for one. From any thread.</summary>
    /// <param name="hurry">Ends it at once; what is on its way turns back or goes on as its journal says.</param>
    public async Task<DrainReport?> DrainAsync(CancellationToken hurry)
    {
        var answer = new TaskCompletionSource<DrainReport?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await PostAsync(new SourceCommand.Drain(answer)).ConfigureAwait(false);
        await using var registration = hurry.Register(() => Track(PostAsync(new SourceCommand.DrainEnded(answer)))).ConfigureAwait(false);
        return await answer.Task.ConfigureAwait(false);
    }

    private void OnDrain(TaskCompletionSource<DrainReport?> answer)
    {
        if (_drain is not null || _isStopping)
        {
            answer.SetResult(null);
            return;
        }

        _isLeaving = _hasDrained = true;
        _drain = new SourceDrain(Now, _options.Handoff.DrainTimeout);
        _drainAnswer = answer;
        _isScheduleDue = true;
        _with.Metrics.SetDraining(true);
        Log.DrainBegan(_logger, _options.Handoff.DrainTimeout);
        Tell(EngineEventKind.DrainStarted);
        Drain();
    }

    /// <summary>Takes the drain a step on: with each tick, and when a group ended.</summary>
    private void Drain()
    {
        if (_drain is not { IsEnding: false } drain)
        {
            return;
        }

        if (drain.IsOver(Now))
        {
            TurnBack(drain, "the drain's time is over");
            return;
        }

        foreach (var group in drain.MayBegin(Now) ? DrainGroups(drain) : [])
        {
            if (drain.MayBegin(Now) && BeginHandoff(group))
            {
                drain.Began(group, Now);
            }
        }

        if (drain.Open == 0 && !LookForDrain(drain) && !_syncs.Values.Any(sync => MayJoin(sync, drain)))
        {
            EndDrain(drain);
        }
    }

    /// <summary>Whether a torrent may become one that can be handed over before it is too late for that.</summary>
    private bool MayJoin(TorrentSync sync, SourceDrain drain)
    {
        if (!drain.HasTime(Now) || IsExcluded(sync.Status) || (sync.Hold is { } hold && hold.RetryAt - Now >= drain.Left(Now)))
        {
            return false;
        }

        return sync.State switch
        {
            // It is looked at, tagged or asked about, or was refused for a moment, and may go when that is over.
            TorrentSyncState.Synced => sync.Class is ClientClass.Complete && drain.MayTry(sync.Id)
                && (sync.IsBusy || sync.NeedsLook || sync.Hold is not null || !drain.MayTryNow(sync.Id, Now)),
            TorrentSyncState.Finalizing => true,
            TorrentSyncState.Discovered or TorrentSyncState.Initializing or TorrentSyncState.Streaming =>
                drain.Sends(Now) && sync.Class is ClientClass.Complete,
            TorrentSyncState.Failed or TorrentSyncState.Excluded or TorrentSyncState.Removing or TorrentSyncState.Removed or TorrentSyncState.HandingOff
                or TorrentSyncState.HandedOff => false,
        };
    }

    /// <summary>In a drain only what is complete here is sent, and only while it may still leave in time; after it nothing is.</summary>
    private bool MaySend(PieceStream stream) => !_hasDrained || (!stream.IsLive && _drain?.Sends(Now) == true);

    /// <summary>A group's handoff ended, whatever its cause.</summary>
    private void DrainEnded(HandoffGroup group, HandoffEnd end)
    {
        if (_drain is { } drain)
        {
            drain.Ended(group, end, Now);
            Drain();
        }
    }

    /// <summary>Time is over: what has deleted something goes on to its end, all else is active here again; both within a bound.</summary>
    private void TurnBack(SourceDrain drain, string reason)
    {
        drain.IsEnding = true;
        _isScheduleDue = true;
        TurnBackHandoffs(reason);
        Track(EndWhenBackAsync(Task.WhenAll(_handoffs.Select(static run => run.Ended)), _drainAnswer!));
    }

    private async Task EndWhenBackAsync(Task back, TaskCompletionSource<DrainReport?> answer)
    {
        await back.WaitAsync(SourceDrain.Grace, _with.Clock.Provider).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await PostAsync(new SourceCommand.DrainEnded(answer)).ConfigureAwait(false);
    }

    private void OnDrainEnded(TaskCompletionSource<DrainReport?> answer)
    {
        if (_drain is { } drain && _drainAnswer == answer)
        {
            EndDrain(drain);
        }
    }

    private void EndDrain(SourceDrain drain)
    {
        var report = new DrainReport(drain.HandedOff, [.. _syncs.Values.Where(IsLeft).Select(sync => new DrainLeft(sync.Id, sync.Name, WhyLeft(sync)))]);
        Log.DrainEnded(_logger, report.HandedOff, report.Left.Count);
        Tell(EngineEventKind.DrainEnded, $"{report.HandedOff} torrents were handed over, {report.Left.Count} are left");
        foreach (var same in report.Left.GroupBy(static left => left.Reason).OrderByDescending(static same => same.Count()))
        {
            Log.DrainLeft(_logger, same.Count(), same.Key, string.Join(", ", same.Take(ShownLeft).Select(static left => left.Name)));
        }

        _with.Metrics.SetDraining(false);
        _drain = null;
        _drainLook = null;
        _isScheduleDue = true;
        _drainAnswer!.SetResult(report);
        _drainAnswer = null;
    }

    /// <summary>What the user forbade is not left behind, and what is gone here is not here.</summary>
    private static bool IsLeft(TorrentSync sync) => sync.State is not (
        TorrentSyncState.HandedOff or TorrentSyncState.Removing or TorrentSyncState.Removed or TorrentSyncState.Excluded);

    private string WhyLeft(TorrentSync sync) => sync.State switch
    {
        TorrentSyncState.Synced when sync.Reason.Length > 0 => sync.Reason,
        TorrentSyncState.Synced => HandoffRefusal(sync, HandoffCause.Drain) ?? WhyNotAlone(sync) ?? "there was no time left",
        TorrentSyncState.HandingOff => "it was on its way when the time was over",
        TorrentSyncState.Failed => $"it failed: {sync.Reason}",
        _ when sync.Hold is { Text.Length: > 0 } hold => hold.Text,
        _ when sync.Class is not ClientClass.Complete => "it is not complete here",
        _ => "the destination does not have all of it",
    };
}
