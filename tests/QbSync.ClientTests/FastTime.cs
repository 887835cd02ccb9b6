namespace QbSync.ClientTests;

/// <summary>A clock that goes faster than the machine's, for one engine between real clients: what waits for minutes by design takes seconds.</summary>
internal sealed class FastTime(int speed) : TimeProvider
{
    private readonly long _began = System.GetTimestamp();
    private readonly DateTimeOffset _wall = System.GetUtcNow();

    public override long TimestampFrequency => System.TimestampFrequency;

    public override long GetTimestamp() => _began + ((System.GetTimestamp() - _began) * speed);

    public override DateTimeOffset GetUtcNow() => _wall + (System.GetElapsedTime(_began) * speed);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new FastTimer(System.CreateTimer(callback, state, Shorten(dueTime), Shorten(period)), this);

    private TimeSpan Shorten(TimeSpan time) => time <= TimeSpan.Zero ? time : time / speed;

    private sealed class FastTimer(ITimer timer, FastTime time) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(time.Shorten(dueTime), time.Shorten(period));

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
