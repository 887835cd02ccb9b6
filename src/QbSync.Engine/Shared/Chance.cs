namespace QbSync.Engine.Shared;

/// <summary>An injected <see cref="Random"/> made safe to share between tasks.</summary>
internal sealed class Chance(Random random)
{
    private readonly Lock _gate = new();

    /// <summary>0 to 1.</summary>
    public double Next()
    {
        lock (_gate)
        {
            return random.NextDouble();
        }
    }
}
