using System.Globalization;

namespace QbSync.Host.Reporting;

/// <summary>Bytes, rates and times as people read them; what is not known is a dash. The page's script says the same. Pure.</summary>
internal static class Amounts
{
    public const string Unknown = "–";

    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    public static string Bytes(long? bytes)
    {
        if (bytes is not { } known)
        {
            return Unknown;
        }

        var value = (double)known;
        var unit = 0;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            (value, unit) = (value / 1024, unit + 1);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{(unit == 0 || value >= 100 ? Math.Floor(value) : Math.Floor(value * 10) / 10)} {Units[unit]}");
    }

    public static string Rate(long? rate) => rate is null ? Unknown : Bytes(rate) + "/s";

    public static string Duration(long? seconds) => seconds switch
    {
        null => Unknown,
        < 60 => $"{seconds} s",
        < 3600 => $"{seconds / 60} min {seconds % 60:00} s",
        < 86400 => $"{seconds / 3600} h {seconds / 60 % 60:00} min",
        _ => $"{seconds / 86400} d {seconds / 3600 % 24:00} h",
    };

    /// <summary>Whole per cent, 100 only when nothing is missing; null while it is not known.</summary>
    public static int? Percent(long? done, long? all) => (done, all) switch
    {
        ({ } some, { } whole and > 0) => (int)Math.Clamp(100.0 * some / whole, 0, some >= whole ? 100 : 99),
        _ => null,
    };
}
