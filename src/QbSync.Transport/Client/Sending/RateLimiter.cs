namespace QbSync.Transport.Client.Sending;

/// <summary>Holds a link's senders to a rate: who comes first goes first. Thread-safe.</summary>
internal sealed class RateLimiter(TimeProvider time, LinkClock clock)
{
    // A wait is cut into parts, so that a new rate is in force within one of them.
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _line = new(1, 1);
    private readonly TokenBucket _bucket = new();
    private long _rate;

    /// <summary>Bytes a second; 0 = no limit.</summary>
    public long Rate => Volatile.Read(ref _rate);

    public void SetRate(long bytesPerSecond)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytesPerSecond);
        lock (_gate)
        {
            _bucket.SetRate(bytesPerSecond, clock.Now);
            Volatile.Write(ref _rate, bytesPerSecond);
        }
    }

    /// <summary>Takes what may pass at once; false when there is less, or others wait.</summary>
    public bool TryTake(int bytes)
    {
        if (Rate == 0)
        {
            return true;
        }

        if (!_line.Wait(0))
        {
            return false;
        }

        try
        {
            lock (_gate)
            {
                return _bucket.Take(bytes, clock.Now) == TimeSpan.Zero;
            }
        }
        finally
        {
            _line.Release();
        }
    }

    /// <summary>Waits until so many bytes may pass.</summary>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        await _line.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (true)
            {
                TimeSpan wait;
                lock (_gate)
                {
                    wait = _bucket.Take(bytes, clock.Now);
                }

                if (wait == TimeSpan.Zero)
                {
                    return;
                }

                await Task.Delay(wait < LongestWait ? wait : LongestWait, time, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _line.Release();
        }
    }
}
