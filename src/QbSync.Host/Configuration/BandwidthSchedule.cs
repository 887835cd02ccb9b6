using System.Globalization;
using QbSync.Engine;

namespace QbSync.Host.Configuration;

/// <summary>Reads entries like <c>mon-fri 08:00-18:00 5MiB/s</c>.</summary>
internal static class BandwidthSchedule
{
    private const string Option = "bandwidth-schedule";
    private const long LeastRate = 64 << 10;
    private static readonly string[] Days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    /// <summary>The windows in their order; what is wrong with an entry is reported, and the entry left out.</summary>
    public static IReadOnlyList<RateWindow> Read(OptionValues values, OptionErrors errors)
    {
        var origin = values.GetOrigin(Option);
        List<RateWindow> windows = [];
        foreach (var entry in values.List(Option))
        {
            if (TryParse(entry, out var window, out var problem))
            {
                windows.Add(window!);
            }
            else
            {
                errors.Report(Option, origin, $"\"{entry}\": {problem}", "Give DAYS FROM-UNTIL RATE, like mon-fri 08:00-18:00 5MiB/s.");
            }
        }

        return windows;
    }

    private static bool TryParse(string entry, out RateWindow? window, out string problem)
    {
        window = null;
        var parts = entry.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts.Length != 3)
        {
            problem = "not three parts";
            return false;
        }

        problem = $"\"{parts[0]}\" names no days (mon, tue, wed, thu, fri, sat, sun, a range of them, or daily)";
        if (!TryParseDays(parts[0], out var first, out var last))
        {
            return false;
        }

        problem = $"\"{parts[1]}\" is no time from one minute to another, 00:00 to 24:00";
        if (parts[1].Split('-') is not [var from, var until] || !TryParseTime(from, out var begin) || !TryParseTime(until, out var end)
            || begin == end || begin == TimeSpan.FromDays(1) || end == TimeSpan.Zero)
        {
            return false;
        }

        problem = $"\"{parts[2]}\" is no rate of 64KiB/s or more; 0 is no limit";
        if (!Units.TryParseRate(parts[2], out var rate) || rate is > 0 and < LeastRate)
        {
            return false;
        }

        window = new RateWindow(first, last, begin, end, rate);
        return true;
    }

    private static bool TryParseDays(string text, out DayOfWeek first, out DayOfWeek last)
    {
        (first, last) = (DayOfWeek.Sunday, DayOfWeek.Saturday);
        if (text == "daily")
        {
            return true;
        }

        var names = text.Split('-');
        var (from, until) = (Array.IndexOf(Days, names[0]), Array.IndexOf(Days, names[^1]));
        (first, last) = ((DayOfWeek)from, (DayOfWeek)until);
        return names.Length <= 2 && from >= 0 && until >= 0;
    }

    private static bool TryParseTime(string text, out TimeSpan time)
    {
        time = TimeSpan.FromDays(1);
        return text == "24:00" || TimeSpan.TryParseExact(text, @"hh\:mm", CultureInfo.InvariantCulture, out time);
    }
}
