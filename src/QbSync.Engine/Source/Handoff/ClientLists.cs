using QbSync.Ports;

namespace QbSync.Engine.Source.Handoff;

/// <summary>The client's lists as the monitor brings them, for those that need one that is newer than what they did. Thread-safe.</summary>
internal sealed class ClientLists(TimeProvider time)
{
    private readonly Lock _gate = new();
    private ClientUpdate? _latest;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The last list in which every torrent is fresh; null before the first.</summary>
    public ClientUpdate? Latest
    {
        get
        {
            lock (_gate)
            {
                return _latest;
            }
        }
    }

    /// <summary>A list came in.</summary>
    public void Publish(ClientUpdate update)
    {
        TaskCompletionSource waiting;
        lock (_gate)
        {
            if (update.Kind == ClientUpdateKind.Watched)
            {
                return;
            }

            _latest = update;
            waiting = _next;
            _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        waiting.TrySetResult();
    }

    /// <summary>A list that was asked for at this time or later; null when none came within <paramref name="bound"/>.</summary>
    public async Task<ClientUpdate?> AskedAfterAsync(DateTimeOffset moment, TimeSpan bound, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (_latest is { } latest && latest.AskedAt >= moment)
                {
                    return latest;
                }

                next = _next.Task;
            }

            var left = bound - time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
            {
                return null;
            }

            await next.WaitAsync(left, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
