namespace QbSync.Host.Endpoints;

/// <summary>
/// Answers whether a role can work now. However many probes come, a check that was good runs again after ten seconds at the earliest, and a running one is
/// joined; one that was bad is looked at anew, so that a role is ready as soon as what it lacked is back. Thread-safe.
/// </summary>
internal sealed class ReadinessChecks(
    IReadOnlyList<ReadinessCheck> checks, HostMetrics metrics, TimeProvider time)
{
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(10);

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

        var results = await Task.WhenAll(checks.Select(RunAsync));
        return results.All(good => good);
    }

    private Task<bool> RunAsync(ReadinessCheck check)
    {
        Task<bool> result;
        bool hit;
        lock (_gate)
        {
            hit = _results.TryGetValue(check.Name, out var known)
                && (!known.Result.IsCompleted || (known.Result.Result && time.GetElapsedTime(known.StartedAt) < Fresh));
            result = hit ? known.Result : check.IsGoodAsync();
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
