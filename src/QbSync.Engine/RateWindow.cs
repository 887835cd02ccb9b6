using QbSync.Engine.Source.Streaming;

namespace QbSync.Engine;

/// <summary>A time of the week with a rate of its own.</summary>
/// <param name="First">First day that it begins on.</param>
/// <param name="Last">Last day that it begins on; before <paramref name="First"/> where the days go over the end of the week.</param>
/// <param name="From">When it begins, by the clock on the wall.</param>
/// <param name="Until">When it ends, above zero and at most 24 hours; not after <paramref name="From"/> where it goes over midnight.</param>
/// <param name="BytesPerSecond">Payload bytes a second; 0 for no limit.</param>
public sealed record RateWindow(DayOfWeek First, DayOfWeek Last, TimeSpan From, TimeSpan Until, long BytesPerSecond)
{
    private const int DaysOfWeek = 7;
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>Whether a wall clock's time lies in it.</summary>
    public bool Contains(DateTime local)
    {
        var time = local.TimeOfDay;
        if (From < Until)
        {
            return Begins(local.DayOfWeek) && time >= From && time < Until;
        }

        var yesterday = (DayOfWeek)(((int)local.DayOfWeek + DaysOfWeek - 1) % DaysOfWeek);
        return (Begins(local.DayOfWeek) && time >= From) || (Begins(yesterday) && time < Until);
    }

    /// <summary>What is wrong with it; null when nothing is.</summary>
    internal string? Validate() => this switch
    {
        { From: var from } when from < TimeSpan.Zero || from >= Day => $"{from} is no time of a day",
        { Until: var until } when until <= TimeSpan.Zero || until > Day => $"{until} is no end of a time of a day",
        { From: var from, Until: var until } when from == until => "it begins when it ends",
        { BytesPerSecond: < 0 or (> 0 and < RateSchedule.LeastRate) } => $"{BytesPerSecond} is neither 0 nor at least {RateSchedule.LeastRate} bytes a second",
        _ => null,
    };

    private bool Begins(DayOfWeek day) => First <= Last ? day >= First && day <= Last : day >= First || day <= Last;
}
