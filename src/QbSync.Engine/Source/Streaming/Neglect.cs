namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// Sees to it that no torrent waits for ever behind others that come before it: one that got no turn for ten minutes gets a little each minute.
/// Not thread-safe: the scheduler's gate guards it.
/// </summary>
internal sealed class Neglect
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan TurnEvery = TimeSpan.FromMinutes(1);
    private TimeSpan? _since;
    private TimeSpan _nextTurn;
    private long _left;

    /// <summary>Whether it may go before its turn now.</summary>
    public bool IsDue(TimeSpan now, long quantum)
    {
        _since ??= now;
        if (now - _since < Patience)
        {
            return false;
        }

        if (now >= _nextTurn)
        {
            _nextTurn = now + TurnEvery;
            _left = quantum;
        }

        return _left > 0;
    }

    /// <summary>Something of it went before its turn.</summary>
    public void OnHelped(long bytes) => _left -= bytes;

    /// <summary>It had its turn.</summary>
    public void OnServed(TimeSpan now)
    {
        _since = now;
        _left = 0;
        _nextTurn = TimeSpan.Zero;
    }
}
