namespace QbSync.Engine.Destination.Finalization;

/// <summary>
/// The finalize workers: a bounded number of places to read back and publish in. Who has the fewest bytes left goes first; waiting counts like
/// bytes, so that a large torrent is passed for a while and not for ever. Thread-safe.
/// </summary>
internal sealed class FinalizeQueue(int workers, TimeProvider time)
{
    /// <summary>Bytes that a minute of waiting is worth: roughly what a slow disk reads back in ten seconds.</summary>
    private const double CreditPerMinute = 1L << 30;

    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiting = [];
    private int _free = workers;

    /// <summary>Torrents that wait for a place.</summary>
    public int Depth
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Waits for a place; disposing it gives it back.</summary>
    public async ValueTask<Place> EnterAsync(long bytes, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (_free > 0)
            {
                _free--;
                return new Place(this);
            }

            waiter = new Waiter(bytes, time.GetTimestamp());
            _waiting.AddLast(waiter);
        }

        await using var cancelled = cancellationToken.Register(() => Cancel(waiter)).ConfigureAwait(false);
        if (!await waiter.Granted.Task.ConfigureAwait(false))
        {
            throw new OperationCanceledException(cancellationToken);
        }

        return new Place(this);
    }

    private void Cancel(Waiter waiter)
    {
        lock (_gate)
        {
            if (!_waiting.Remove(waiter))
            {
                return;
            }
        }

        waiter.Granted.SetResult(false);
    }

    private void Leave()
    {
        Waiter? next;
        lock (_gate)
        {
            next = PickNext_NeedsLock();
            if (next is null)
            {
                _free++;
                return;
            }

            _waiting.Remove(next);
        }

        next.Granted.SetResult(true);
    }

    private Waiter? PickNext_NeedsLock()
    {
        Waiter? best = null;
        var bestRank = double.MaxValue;
        foreach (var waiter in _waiting)
        {
            var rank = waiter.Bytes - time.GetElapsedTime(waiter.Since).TotalMinutes * CreditPerMinute;
            if (rank < bestRank)
            {
                (best, bestRank) = (waiter, rank);
            }
        }

        return best;
    }

    /// <summary>A place among the workers.</summary>
    internal sealed class Place(FinalizeQueue queue) : IDisposable
    {
        private FinalizeQueue? _queue = queue;

        public void Dispose() => Interlocked.Exchange(ref _queue, null)?.Leave();
    }

    private sealed class Waiter(long bytes, long since)
    {
        public long Bytes { get; } = bytes;

        public long Since { get; } = since;

        public TaskCompletionSource<bool> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
