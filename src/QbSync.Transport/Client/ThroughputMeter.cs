namespace QbSync.Transport.Client;

/// <summary>Bytes a second over the last ten whole seconds: a ring of one-second sums. Thread-safe, and read without a lock.</summary>
internal sealed class ThroughputMeter(LinkClock clock)
{
    private const int Seconds = 10;

    private readonly Lock _gate = new();

    // One more than is shown: the second that runs is not whole.
    private readonly long[] _seconds = new long[Seconds + 1];
    private readonly long[] _bytes = new long[Seconds + 1];

    public double BytesPerSecond
    {
        get
        {
            var now = Now;
            var sum = 0L;
            for (var i = 0; i < _seconds.Length; i++)
            {
                // A sum that begins anew meanwhile is of the second that runs, which does not count.
                var second = Volatile.Read(ref _seconds[i]);
                var bytes = Volatile.Read(ref _bytes[i]);
                sum += second < now && second >= now - Seconds && Volatile.Read(ref _seconds[i]) == second ? bytes : 0;
            }

            return (double)sum / Seconds;
        }
    }

    private long Now => (long)clock.Now.TotalSeconds;

    public void Add(long bytes)
    {
        lock (_gate)
        {
            var now = Now;
            var i = now % _seconds.Length;
            if (_seconds[i] != now)
            {
                Volatile.Write(ref _seconds[i], now);
                Volatile.Write(ref _bytes[i], 0);
            }

            Volatile.Write(ref _bytes[i], _bytes[i] + bytes);
        }
    }
}
