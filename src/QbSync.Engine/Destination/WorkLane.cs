namespace QbSync.Engine.Destination;

/// <summary>
/// A session's disk and client work, one piece of work after another, under a lease of the session's epoch: work that began before
/// <see cref="RenewAsync"/> is cancelled and joined before anything new begins, so nothing old touches new state. Thread-safe.
/// </summary>
internal sealed class WorkLane : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _lease = new();
    private Task _tail = Task.CompletedTask;
    private bool _closed;

    /// <summary>
    /// Runs work after what is queued, off the caller's thread. Its faults are its own to handle; a cancelled lease ends it before it begins.
    /// </summary>
    public void Enqueue(Func<CancellationToken, Task> work) => _ = EnqueueAsync(work);

    /// <summary>The same; ends when the work has ended, or when it is certain that it never begins.</summary>
    public Task EnqueueAsync(Func<CancellationToken, Task> work)
    {
        lock (_gate)
        {
            return _closed ? Task.CompletedTask : _tail = RunAsync(_tail, work, _lease.Token);
        }
    }

    /// <summary>Cancels the present lease, waits for its work, and gives a new one. There is no timeout: old work must never outlive this.</summary>
    public async Task RenewAsync()
    {
        Task tail;
        CancellationTokenSource old;
        lock (_gate)
        {
            (old, _lease) = (_lease, new CancellationTokenSource());
            tail = _tail;
        }

        await old.CancelAsync().ConfigureAwait(false);
        await tail.ConfigureAwait(false);
        old.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closed = true;
        }

        await RenewAsync().ConfigureAwait(false);
        _lease.Dispose();
    }

    private static async Task RunAsync(Task before, Func<CancellationToken, Task> work, CancellationToken lease)
    {
        await before.ConfigureAwait(false);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (!lease.IsCancellationRequested)
        {
            await work(lease).ConfigureAwait(false);
        }
    }
}
