using QbSync.Engine.Source.Planning;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private static readonly TimeSpan PieceGrace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PhaseGrace = TimeSpan.FromSeconds(5);

    // In a hurry all of it takes less than five seconds.
    private static readonly TimeSpan ShortGrace = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ShortRollbackGrace = TimeSpan.FromSeconds(2);
    private bool _isStopping;

    /// <summary>
    /// In this order: nothing new begins, workers end the piece in hand, acks in flight are awaited, what is being handed over turns back, phases and
    /// records end. Every step is bounded. The loop goes on until the phases end, since all of that is told to it.
    /// </summary>
    private async Task StopAsync(CancellationTokenSource feedersEnd, Task[] feeders, Task looping, Task writing, CancellationToken hurry)
    {
        var back = await AskToStopAsync(looping).ConfigureAwait(false);
        await Within(_pump.StopAsync(PieceGrace, hurry), PieceGrace * 2, ShortGrace, hurry).ConfigureAwait(false);
        if (_link is { } link)
        {
            await Within(link.DisposeAsync().AsTask(), _options.StopTimeout, ShortGrace, hurry).ConfigureAwait(false);

            // It would wait longer for answers than anybody waits for it, and nobody would be told what is lost.
            link.GiveUp();
        }

        await EndHandoffsAsync(back, hurry).ConfigureAwait(false);
        await _phasesEnd.CancelAsync().ConfigureAwait(false);
        await feedersEnd.CancelAsync().ConfigureAwait(false);
        await Within(Task.WhenAll([.. feeders, EndAllAsync(looping), _readBack.DisposeAsync().AsTask()]), PhaseGrace, ShortGrace, hurry).ConfigureAwait(false);
        _records.Complete();
        await Within(writing, PhaseGrace, ShortGrace, hurry).ConfigureAwait(false);
        if (!looping.IsCompleted)
        {
            return; // what it owns is not ours to read
        }

        await Within(SaveUploadsAsync(), PhaseGrace, ShortGrace, hurry).ConfigureAwait(false);
        var lost = _syncs.Values.Sum(sync => sync.Stream?.Table.Counts.InFlight ?? 0);
        if (lost > 0)
        {
            Log.PiecesLost(_logger, lost);
        }

        Report(isLast: true);
    }

    /// <summary>Ends with the loop and what it began. Not looked for before: the command that the loop has in hand may begin more.</summary>
    private async Task EndAllAsync(Task looping)
    {
        await looping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Task[] running;
        lock (_runningGate)
        {
            running = [.. _running];
        }

        await Task.WhenAll(running).ConfigureAwait(false);
    }

    /// <summary>Tells the loop, or what is left of it, and gets what ends when every group on its way has turned back.</summary>
    private async Task<Task> AskToStopAsync(Task looping)
    {
        var answer = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        var post = PostAsync(new SourceCommand.Stop(answer));
        await Task.WhenAny(answer.Task, looping).ConfigureAwait(false);
        if (answer.Task.IsCompletedSuccessfully)
        {
            await post.ConfigureAwait(false);
            return await answer.Task.ConfigureAwait(false);
        }

        return OnStop(); // nobody else touches anything any more
    }

    /// <summary>From now on nothing is sent, and no phase, torrent or handoff begins.</summary>
    private Task OnStop()
    {
        _isLeaving = _isStopping = true;
        _scheduler.Replace([], []);
        if (_drain is { } drain)
        {
            EndDrain(drain);
        }

        return TurnBackBetween();
    }

    /// <summary>
    /// Whether a torrent stays as it is for the rest of this process. That all of one has arrived is still noted, so that a removal meanwhile loses nothing; and
    /// before a drain only what is complete here is taken up.
    /// </summary>
    private bool MayRest(TorrentSync sync) =>
        (_isStopping && sync.State != TorrentSyncState.Streaming)
        || (_isLeaving && sync is { State: TorrentSyncState.Discovered, Class: not ClientClass.Complete });

    /// <summary>Waits for what ends by itself; what does not is left behind. Its faults were told where they arose.</summary>
    /// <param name="inHurry">How long it is waited for once <paramref name="hurry"/> was asked for.</param>
    private async Task Within(Task task, TimeSpan limit, TimeSpan inHurry, CancellationToken hurry)
    {
        var first = task.WaitAsync(limit, _with.Clock.Provider, hurry);
        await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!task.IsCompleted && hurry.IsCancellationRequested)
        {
            var second = task.WaitAsync(inHurry, _with.Clock.Provider, CancellationToken.None);
            await second.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
