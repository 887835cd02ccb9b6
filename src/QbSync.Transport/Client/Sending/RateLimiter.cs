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

    /// <summary>Waits until so many bytes may pass; tells whether it had to.</summary>
    public ValueTask<bool> WaitAsync(int bytes, CancellationToken cancellationToken) =>
        Rate == 0 ? new ValueTask<bool>(false) : WaitInLineAsync(bytes, cancellationToken);

    private async ValueTask<bool> WaitInLineAsync(int bytes, CancellationToken cancellationToken)
    {
        await _line.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var waited = false;
            while (true)
            {
                TimeSpan wait;
                lock (_gate)
                {
                    wait = _bucket.Take(bytes, clock.Now);
                }

                if (wait == TimeSpan.Zero)
                {
                    return waited;
                }

                waited = true;
                await Task.Delay(wait < LongestWait ? wait : LongestWait, time, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _line.Release();
        }
    }
}
