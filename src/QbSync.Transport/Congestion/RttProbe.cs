namespace QbSync.Transport.Congestion;

/// <summary>
/// Round trips of the chunks that were handed over while little was in flight. Their median counts: a least sample would be the luck of a moment on a busy host
/// or a radio link. Not thread-safe.
/// </summary>
internal sealed class RttProbe
{
    // The last so many; a way that carries more in a probe has told enough.
    private const int Most = 256;

    private readonly TimeSpan[] _samples = new TimeSpan[Most];
    private readonly TimeSpan[] _sorted = new TimeSpan[Most];
    private long _count;
    private TimeSpan _from = TimeSpan.MaxValue;
    private TimeSpan _to = TimeSpan.MaxValue;

    /// <summary>Whether chunks handed over in it may still be reported.</summary>
    public bool IsOpen => _from != TimeSpan.MaxValue;

    /// <summary>Queues have drained: what is handed over from now on counts.</summary>
    public void Begin(TimeSpan now) => (_from, _to, _count) = (now, TimeSpan.MaxValue, 0);

    /// <summary>What is handed over from now on does not count any more.</summary>
    public void End(TimeSpan now) => _to = now;

    /// <summary>Takes a chunk's round trip. True when it is the first of those that come after the probe: all of its own are known.</summary>
    public bool Add(TimeSpan sentAt, TimeSpan roundTrip)
    {
        if (sentAt >= _from && sentAt < _to)
        {
            _samples[_count++ % Most] = roundTrip;
        }

        return IsOpen && sentAt >= _to;
    }

    /// <summary>Ends it; the median, null when nothing was reported.</summary>
    public TimeSpan? Close()
    {
        _from = _to = TimeSpan.MaxValue;
        if (_count == 0)
        {
            return null;
        }

        var known = (int)Math.Min(_count, Most);
        var sorted = _sorted.AsSpan(0, known);
        _samples.AsSpan(0, known).CopyTo(sorted);
        sorted.Sort();
        return sorted[known / 2];
    }
}
