namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private static readonly TimeSpan PieceGrace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PhaseGrace = TimeSpan.FromSeconds(5);

    /// <summary>
    /// In this order: nothing new is found, workers end the piece in hand, acks in flight are awaited, phases and records end. Every step is bounded.
    /// </summary>
    private async Task StopAsync(CancellationTokenSource feedersEnd, Task[] feeders, Task writing)
    {
        var handoffs = EndHandoffsAsync();
        await feedersEnd.CancelAsync().ConfigureAwait(false);
        _scheduler.Replace([], []);
        await _pump.StopAsync(PieceGrace).ConfigureAwait(false);
        if (_link is { } link)
        {
            await Within(link.DisposeAsync().AsTask(), _options.StopTimeout).ConfigureAwait(false);
        }

        var lost = _syncs.Values.Sum(sync => sync.Stream?.Table.Counts.InFlight ?? 0);
        if (lost > 0)
        {
            Log.PiecesLost(_logger, lost);
        }

        await handoffs.ConfigureAwait(false);
        await _phasesEnd.CancelAsync().ConfigureAwait(false);
        Task[] running;
        lock (_runningGate)
        {
            running = [.. _running];
        }

        await Within(Task.WhenAll([.. feeders, .. running, _readBack.DisposeAsync().AsTask()]), PhaseGrace).ConfigureAwait(false);
        await Within(SaveUploadsAsync(), PhaseGrace).ConfigureAwait(false);
        _records.Complete();
        await writing.ConfigureAwait(false);
        Report(isLast: true);
    }

    /// <summary>Waits for what ends by itself; what does not is left behind. Its faults were told where they arose.</summary>
    private async Task Within(Task task, TimeSpan limit)
    {
        var both = task.WaitAsync(limit, _with.Clock.Provider);
        await both.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
