namespace QbSync.Engine.Shared;

/// <summary>When to look for a change: after 100 ms, 250 ms, then every 500 ms, and once at the end of its time. Arithmetic only.</summary>
internal sealed class LookTimes(TimeSpan within)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Second = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);

    private int _looks;

    /// <summary>When the next look is due, from the beginning.</summary>
    public TimeSpan Next { get; private set; } = First;

    /// <summary>A look that did not show it was answered at <paramref name="elapsed"/>. Whether the time is over.</summary>
    public bool Looked(TimeSpan elapsed)
    {
        var next = ++_looks == 1 && elapsed < Second ? Second : elapsed + Every;
        Next = within >= TimeSpan.Zero && next > within ? within : next;
        return within >= TimeSpan.Zero && elapsed >= within;
    }
}
