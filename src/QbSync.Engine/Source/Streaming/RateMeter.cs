namespace QbSync.Engine.Source.Streaming;

/// <summary>Bytes a second over the last 10 whole seconds: a ring of one-second sums. Thread-safe, no clock of its own.</summary>
internal sealed class RateMeter
{
    private const int Seconds = 10;
    private readonly Lock _gate = new();
    private readonly long[] _sums = new long[Seconds + 1];
    private long _second;

    public void Add(TimeSpan now, long bytes)
    {
        lock (_gate)
        {
            Turn_NeedsLock(now);
            _sums[_second % _sums.Length] += bytes;
        }
    }

    public double Rate(TimeSpan now)
    {
        lock (_gate)
        {
            Turn_NeedsLock(now);
            var sum = -_sums[_second % _sums.Length];
            foreach (var bytes in _sums)
            {
                sum += bytes;
            }

            return (double)sum / Seconds;
        }
    }

    private void Turn_NeedsLock(TimeSpan now)
    {
        var second = (long)now.TotalSeconds;
        for (var i = Math.Max(_second + 1, second - _sums.Length + 1); i <= second; i++)
        {
            _sums[i % _sums.Length] = 0;
        }

        _second = Math.Max(_second, second);
    }
}
