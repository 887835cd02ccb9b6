namespace QbSync.Transport.Congestion;

/// <summary>
/// Round trips: smoothed for people, the least of the last minutes for the windows. Fed with samples and their times; not thread-safe.
/// </summary>
internal sealed class RttEstimator
{
    // Two halves instead of a list of samples: the least is that of the last one to two halves.
    private static readonly TimeSpan Half = TimeSpan.FromMinutes(5);

    private TimeSpan _halfBegan;
    private TimeSpan? _leastBefore;
    private TimeSpan? _leastNow;

    /// <summary>Exponentially smoothed (1/8), null before the first sample.</summary>
    public TimeSpan? Smoothed { get; private set; }

    /// <summary>The least sample of the last 5 to 10 minutes, null before the first.</summary>
    public TimeSpan? Least => (_leastBefore, _leastNow) switch
    {
        (null, var now) => now,
        (var before, null) => before,
        var (before, now) => before < now ? before : now,
    };

    public void Add(TimeSpan sample, TimeSpan now)
    {
        if (sample < TimeSpan.Zero)
        {
            sample = TimeSpan.Zero;
        }

        if (now - _halfBegan >= Half)
        {
            // Silence of more than a whole half leaves nothing that is still true.
            _leastBefore = now - _halfBegan >= 2 * Half ? null : _leastNow;
            _leastNow = null;
            _halfBegan = now;
        }

        _leastNow = _leastNow is { } least && least < sample ? least : sample;
        Smoothed = Smoothed is { } smoothed ? smoothed + ((sample - smoothed) / 8) : sample;
    }

    public void Forget()
    {
        Smoothed = null;
        _leastBefore = null;
        _leastNow = null;
    }
}
