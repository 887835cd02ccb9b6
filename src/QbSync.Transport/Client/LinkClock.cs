namespace QbSync.Transport.Client;

/// <summary>Time since the link was opened: what the classes without a clock are fed with. Thread-safe.</summary>
internal sealed class LinkClock(TimeProvider time)
{
    private readonly long _origin = time.GetTimestamp();

    public TimeSpan Now => time.GetElapsedTime(_origin);

    /// <summary>A timer that is not set yet.</summary>
    public ITimer CreateTimer(TimerCallback callback, object state) =>
        time.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}
