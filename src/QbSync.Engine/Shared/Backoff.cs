namespace QbSync.Engine.Shared;

/// <summary>A delay that doubles from <paramref name="First"/> to <paramref name="Max"/>. Pure arithmetic.</summary>
internal readonly record struct Backoff(TimeSpan First, TimeSpan Max)
{
    /// <summary>The delay after that many failures in a row, without jitter.</summary>
    public TimeSpan After(int failures)
    {
        var delay = First * Math.Pow(2, Math.Clamp(failures - 1, 0, 30));
        return delay < Max ? delay : Max;
    }

    /// <summary>Anything up to the delay, so that many waiters do not come back at once; never less than a twentieth of it.</summary>
    public TimeSpan FullJitter(int failures, double chance) => After(failures) * Math.Max(chance, 0.05);

    /// <summary>The delay, a fifth more or less.</summary>
    public TimeSpan Near(int failures, double chance) => After(failures) * (0.8 + (0.4 * chance));
}
