using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace QbSync.Host.Configuration;

/// <summary>Reads values with units, in the invariant culture. What does not parse is an error, never a default.</summary>
internal static class Units
{
    private static readonly (string Suffix, long Ticks)[] DurationUnits =
    [
        ("ms", TimeSpan.TicksPerMillisecond), ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond),
    ];

    private static readonly (string Suffix, long Bytes)[] SizeUnits =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000), ("B", 1),
    ];

    private static readonly (string Suffix, long BytesX8)[] BitRateUnits =
    [
        ("Kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000), ("bit", 1),
    ];

    /// <summary><c>250ms</c>, <c>1h30m</c>; a plain number counts <paramref name="plainUnit"/>.</summary>
    public static bool TryParseDuration(string text, TimeSpan plainUnit, out TimeSpan value)
    {
        value = default;
        if (TryParseNumber(text, out var plain))
        {
            return TryScale(plain, plainUnit.Ticks, out var ticks) && Assign(TimeSpan.FromTicks(ticks), out value);
        }

        long total = 0;
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            var digits = 0;
            while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.'))
            {
                digits++;
            }

            if (!TryParseNumber(rest[..digits].ToString(), out var number))
            {
                return false;
            }

            rest = rest[digits..];
            var known = false;
            foreach (var (suffix, ticks) in DurationUnits)
            {
                if (rest.StartsWith(suffix, StringComparison.Ordinal))
                {
                    if (!TryScale(number, ticks, out var part) || part > long.MaxValue - total)
                    {
                        return false;
                    }

                    total += part;
                    rest = rest[suffix.Length..];
                    known = true;
                    break;
                }
            }

            if (!known)
            {
                return false;
            }
        }

        return text.Length > 0 && Assign(TimeSpan.FromTicks(total), out value);
    }

    /// <summary><c>512KiB</c>, <c>20MB</c>; a plain number counts <paramref name="plainUnit"/> bytes.</summary>
    public static bool TryParseSize(string text, long plainUnit, out long value)
    {
        if (TryParseNumber(text, out var plain))
        {
            return TryScale(plain, plainUnit, out value);
        }

        foreach (var (suffix, bytes) in SizeUnits)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal) && TryParseNumber(text[..^suffix.Length], out var number))
            {
                return TryScale(number, bytes, out value);
            }
        }

        value = 0;
        return false;
    }

    /// <summary><c>20MiB/s</c>, <c>200Mbit/s</c>; a plain number counts bytes a second.</summary>
    public static bool TryParseRate(string text, out long bytesPerSecond)
    {
        bytesPerSecond = 0;
        if (TryParseNumber(text, out var plain))
        {
            return TryScale(plain, 1, out bytesPerSecond);
        }

        if (!text.EndsWith("/s", StringComparison.Ordinal))
        {
            return false;
        }

        var amount = text[..^2];
        foreach (var (suffix, bits) in BitRateUnits)
        {
            if (amount.EndsWith(suffix, StringComparison.Ordinal) && TryParseNumber(amount[..^suffix.Length], out var number))
            {
                return TryScale(number / 8, bits, out bytesPerSecond);
            }
        }

        return !TryParseNumber(amount, out _) && TryParseSize(amount, 1, out bytesPerSecond);
    }

    /// <summary>An address with http or https, and neither user name nor password in it.</summary>
    public static bool TryParseUrl(string text, [NotNullWhen(true)] out Uri? url)
    {
        var isUrl = Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme is "http" or "https" && url!.UserInfo.Length == 0;
        url = isUrl ? url : null;
        return isUrl;
    }

    /// <summary><c>host:port</c>, <c>[v6]:port</c>, <c>:port</c> or <c>port</c>; the last two mean every address.</summary>
    public static bool TryParseAddress(string text, out HostPort value)
    {
        value = default;
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? "" : text[..colon];
        if (!ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return false;
        }

        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            return System.Net.IPAddress.TryParse(host, out _) && Assign(new HostPort(host, port), out value);
        }

        return !host.Contains(':') && Assign(new HostPort(host, port), out value);
    }

    private static bool TryParseNumber(string text, out decimal value) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value);

    private static bool TryScale(decimal number, long unit, out long value)
    {
        value = 0;
        if (number > long.MaxValue / (decimal)unit)
        {
            return false;
        }

        value = (long)(number * unit);
        return true;
    }

    private static bool Assign<T>(T result, out T value)
    {
        value = result;
        return true;
    }
}
