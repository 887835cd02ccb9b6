namespace QbSync.Engine.Shared;

/// <summary>Time since the clock was made, for delays and deadlines; wall time stands only in records and text. Thread-safe.</summary>
internal sealed class MonotonicClock(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    public TimeProvider Provider { get; } = time;

    public TimeSpan Now => Provider.GetElapsedTime(_start);

    public DateTimeOffset WallNow => Provider.GetUtcNow();

    /// <summary>Waits; ends early, without an exception, when cancelled.</summary>
    public async ValueTask DelayAsync(TimeSpan delay, CancellationToken cancellationToken) =>
        await Task.Delay(delay, Provider, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
