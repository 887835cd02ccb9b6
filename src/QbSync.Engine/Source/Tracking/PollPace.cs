namespace QbSync.Engine.Source.Tracking;

/// <summary>How long to wait between looks at the client. Pure: fed with what a look found.</summary>
internal sealed class PollPace(TimeSpan interval)
{
    /// <summary>The pause while anything moves.</summary>
    public TimeSpan Interval { get; set; } = interval;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Restless = TimeSpan.FromSeconds(10);
    private TimeSpan _lastMoved;
    private TimeSpan _current;

    /// <summary>The pause after a look.</summary>
    /// <param name="now">When it ended.</param>
    /// <param name="moves">Whether anything downloads, streams or changed.</param>
    /// <param name="latency">How long it took: a slow client is not asked more often than every second such time.</param>
    public TimeSpan Next(TimeSpan now, bool moves, TimeSpan latency)
    {
        _lastMoved = moves ? now : _lastMoved;
        _current = now - _lastMoved < Restless ? Interval : Min(_current * 2, Interval > Longest ? Interval : Longest);
        return _current > latency * 2 ? _current : latency * 2;
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
