namespace QbSync.Transport.Client.Backoff;

/// <summary>
/// When a slot tries again: first after a random part of a second, so that streams cut together do not come back together, then after a random part of
/// 1 s, doubled with each failure up to the most. Not thread-safe: one slot's loop owns it.
/// </summary>
internal sealed class ReconnectBackoff(TimeSpan most, Random random)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);

    private TimeSpan _ceiling = First;

    /// <summary>The next pause. Full jitter: anything from nothing to the ceiling.</summary>
    public TimeSpan Next()
    {
        var pause = _ceiling * random.NextDouble();
        _ceiling = _ceiling * 2 > most ? most : _ceiling * 2;
        return pause;
    }

    /// <summary>The stream works.</summary>
    public void Reset() => _ceiling = First;
}
