namespace QbSync.QBittorrent.Http;

/// <summary>What light calls took of late: the network's share of any call. Thread-safe.</summary>
internal sealed class RecentLatency
{
    private const int Kept = 5;

    private readonly Lock _gate = new();
    private readonly TimeSpan[] _last = new TimeSpan[Kept];
    private int _count;

    /// <summary>Median of the last five; zero before the first.</summary>
    public TimeSpan Median
    {
        get
        {
            lock (_gate)
            {
                var known = _last[..Math.Min(_count, Kept)];
                Array.Sort(known);
                return known.Length == 0 ? TimeSpan.Zero : known[known.Length / 2];
            }
        }
    }

    public void Add(TimeSpan duration)
    {
        lock (_gate)
        {
            _last[_count++ % Kept] = duration;
            _count = _count == int.MaxValue ? Kept : _count;
        }
    }
}
