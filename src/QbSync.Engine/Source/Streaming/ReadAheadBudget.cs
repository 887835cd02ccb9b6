namespace QbSync.Engine.Source.Streaming;

/// <summary>Bytes that may be read and not yet handed over. First come, first served. Thread-safe.</summary>
internal sealed class ReadAheadBudget(long bytes)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private long _free = bytes;

    public long Free
    {
        get
        {
            lock (_gate)
            {
                return _free;
            }
        }
    }

    /// <summary>Takes bytes, at most the whole budget, when they are free.</summary>
    public async ValueTask ReserveAsync(int bytes, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (_waiters.Count == 0 && _free >= bytes)
            {
                _free -= bytes;
                return;
            }

            waiter = new Waiter(bytes);
            _waiters.AddLast(waiter);
        }

        var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((Waiter)state!).Done.TrySetCanceled(token), waiter);
        try
        {
            await waiter.Done.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                _waiters.Remove(waiter);
            }

            Release(0);
            throw;
        }
        finally
        {
            await registration.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Gives bytes back.</summary>
    public void Release(int bytes)
    {
        lock (_gate)
        {
            _free += bytes;
            while (_waiters.First is { } first && _free >= first.Value.Bytes)
            {
                _waiters.RemoveFirst();
                if (first.Value.Done.TrySetResult())
                {
                    _free -= first.Value.Bytes;
                }
            }
        }
    }

    private sealed class Waiter(int bytes)
    {
        public int Bytes { get; } = bytes;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
