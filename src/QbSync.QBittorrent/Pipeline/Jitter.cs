namespace QbSync.QBittorrent.Pipeline;

/// <summary>Spreads pauses by a fifth to either side. Thread-safe, which the chance it is given need not be.</summary>
internal sealed class Jitter(Random random)
{
    private readonly Lock _gate = new();

    public TimeSpan Spread(TimeSpan pause)
    {
        lock (_gate)
        {
            return pause * (0.8 + 0.4 * random.NextDouble());
        }
    }
}
