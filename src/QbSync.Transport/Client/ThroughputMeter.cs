namespace QbSync.Transport.Client;

/// <summary>Bytes a second over the last ten whole seconds: a ring of one-second sums. Thread-safe.</summary>
internal sealed class ThroughputMeter(LinkClock clock)
{
    private const int Seconds = 10;

    private readonly Lock _gate = new();

    // One more than is shown: the second that runs is not whole.
    private readonly (long Second, long Bytes)[] _ring = new (long, long)[Seconds + 1];

    public double BytesPerSecond
    {
        get
        {
            lock (_gate)
            {
                var now = Now;
                var bytes = 0L;
                foreach (var sum in _ring)
                {
                    bytes += sum.Second < now && sum.Second >= now - Seconds ? sum.Bytes : 0;
                }

                return (double)bytes / Seconds;
            }
        }
    }

    private long Now => (long)clock.Now.TotalSeconds;

    public void Add(long bytes)
    {
        lock (_gate)
        {
            var now = Now;
            ref var sum = ref _ring[now % _ring.Length];
            sum = (now, (sum.Second == now ? sum.Bytes : 0) + bytes);
        }
    }
}
