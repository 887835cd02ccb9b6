namespace QbSync.Testing.Waiting;

/// <summary>
/// The real time, but for what has a limit of seconds: such a timer takes much longer. For tests in which no limit is to come true, however long the machine
/// keeps one of their threads waiting; short pauses, and what comes round again and again, are as ever.
/// </summary>
public sealed class PatientTime : TimeProvider
{
    private const int Factor = 60;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private PatientTime()
    {
    }

    /// <summary>The only one: it has no state.</summary>
    public static PatientTime Instance { get; } = new();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new PatientTimer(base.CreateTimer(callback, state, Stretch(dueTime, period), period));

    private static TimeSpan Stretch(TimeSpan dueTime, TimeSpan period) =>
        dueTime > Pause && period == Timeout.InfiniteTimeSpan ? dueTime * Factor : dueTime;

    private sealed class PatientTimer(ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Stretch(dueTime, period), period);

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
