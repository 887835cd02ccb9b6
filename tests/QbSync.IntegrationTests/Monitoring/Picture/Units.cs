using System.Globalization;

namespace QbSync.IntegrationTests.Monitoring.Picture;

/// <summary>Values as Grafana writes them, by its name of the unit.</summary>
internal static class Units
{
    private static readonly string[] Binary = ["B", "KiB", "MiB", "GiB", "TiB"];
    private static readonly string[] Decimal = ["B/s", "kB/s", "MB/s", "GB/s"];

    public static string Format(double value, string unit) => unit switch
    {
        _ when double.IsNaN(value) => "–",
        "bytes" => Scale(value, 1024, Binary),
        "Bps" => Scale(value, 1000, Decimal),
        "percentunit" => $"{Plain(value * 100)} %",
        "s" => Seconds(value),
        "cps" or "reqps" => $"{Plain(value)}/s",
        "dateTimeAsIso" => DateTimeOffset.FromUnixTimeMilliseconds((long)value).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
        _ => Plain(value),
    };

    /// <summary>An end for an axis that is at least the value and whose half and quarters are easy to read.</summary>
    public static double CeilingOf(double value, string unit)
    {
        if (value <= 0)
        {
            return 1;
        }

        if (unit == "percentunit" && value is > 0.5 and <= 1)
        {
            return 1;
        }

        var steps = unit == "bytes" ? 1024.0 : 1000.0;
        var scale = Math.Pow(steps, Math.Floor(Math.Log(value, steps)));
        var ten = scale * Math.Pow(10, Math.Floor(Math.Log10(value / scale)));
        return new[] { 1, 2, 4, 5, 8, 10 }.Select(step => step * ten).First(end => end >= value * 0.9999);
    }

    private static string Seconds(double value) => Math.Abs(value) switch
    {
        0 => "0 s",
        < 0.001 => $"{Plain(value * 1e6)} µs",
        < 1 => $"{Plain(value * 1000)} ms",
        < 120 => $"{Plain(value)} s",
        < 7200 => $"{Plain(value / 60)} min",
        _ => $"{Plain(value / 3600)} h",
    };

    private static string Scale(double value, double step, string[] names)
    {
        var name = 0;
        for (; Math.Abs(value) >= step && name < names.Length - 1; name++)
        {
            value /= step;
        }

        return $"{Plain(value)} {names[name]}";
    }

    private static string Plain(double value) => Math.Abs(value) switch
    {
        >= 100 => value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.#", CultureInfo.InvariantCulture),
        _ => value.ToString("0.##", CultureInfo.InvariantCulture),
    };
}
