namespace QbSync.Engine.Source.Streaming;

/// <summary>
/// Which rate is in force: that of the first window that the local time lies in, else the one outside of all windows. Pure: it is asked with the clock on
/// the wall again and again, so that a change to or from summer time, or a clock that is set, needs no thought.
/// </summary>
internal sealed class RateSchedule(IReadOnlyList<RateWindow> windows, long otherwise)
{
    /// <summary>Below it a piece could not be answered in time.</summary>
    public const long LeastRate = 64 << 10;

    /// <summary>Whether there is anything to schedule.</summary>
    public bool IsEmpty => windows.Count == 0;

    /// <summary>Bytes a second at that time; 0 for no limit.</summary>
    public long GetRate(DateTime local)
    {
        foreach (var window in windows)
        {
            if (window.Contains(local))
            {
                return window.BytesPerSecond;
            }
        }

        return otherwise;
    }
}
