namespace QbSync.Host.Endpoints;

/// <summary>
/// Answers whether a role can work now. However many probes come, a check that was good runs again after ten seconds at the earliest, and a running one is
/// joined; one that was bad is looked at anew, so that a role is ready as soon as what it lacked is back. No probe waits longer than five seconds, whatever a
/// check waits for. Thread-safe.
/// </summary>
internal sealed class ReadinessChecks(
    IReadOnlyList<ReadinessCheck> checks, HostMetrics metrics, TimeProvider time)
{
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(10);

    /// <summary>Longest time that a probe waits.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (Task<bool> Result, long StartedAt)> _results = [];

    private volatile bool _isClosed;

    /// <summary>The role is about to stop: it is not ready from now on, whatever is still in order.</summary>
    public void Close() => _isClosed = true;

    public async Task<bool> AreAllGoodAsync()
    {
        if (_isClosed)
        {
            return false;
        }

        var results = await Task.WhenAll(checks.Select(WaitAsync));
        return !_isClosed && results.All(good => good);
    }

    private async Task<bool> WaitAsync(ReadinessCheck check)
    {
        var running = RunAsync(check);
        await ((Task)running).WaitAsync(Patience, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return running is { IsCompletedSuccessfully: true, Result: true };
    }

    private Task<bool> RunAsync(ReadinessCheck check)
    {
        Task<bool> result;
        bool hit;
        lock (_gate)
        {
            hit = _results.TryGetValue(check.Name, out var known)
                && (!known.Result.IsCompleted || (known.Result is { IsCompletedSuccessfully: true, Result: true } && time.GetElapsedTime(known.StartedAt) < Fresh));

            // On a thread of its own: one that looks at a disk may stand still, and those that join it must not stand in line behind it.
            result = hit ? known.Result : Task.Run(check.IsGoodAsync);
            if (!hit)
            {
                _results[check.Name] = (result, time.GetTimestamp());
            }
        }

        metrics.HealthChecked(hit);
        return result;
    }
}

/// <summary>One check, answered from what the engine saw last; it calls nobody.</summary>
internal sealed record ReadinessCheck(string Name, Func<Task<bool>> IsGoodAsync);
