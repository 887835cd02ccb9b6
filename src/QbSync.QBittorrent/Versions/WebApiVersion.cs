using System.Globalization;

namespace QbSync.QBittorrent.Versions;

/// <summary>A WebAPI version, compared as numbers: 2.8.19 is below 2.11.4.</summary>
internal readonly record struct WebApiVersion(int Major, int Minor, int Patch) : IComparable<WebApiVersion>
{
    public static bool operator <(WebApiVersion left, WebApiVersion right) => left.CompareTo(right) < 0;

    public static bool operator >(WebApiVersion left, WebApiVersion right) => left.CompareTo(right) > 0;

    public static bool operator <=(WebApiVersion left, WebApiVersion right) => left.CompareTo(right) <= 0;

    public static bool operator >=(WebApiVersion left, WebApiVersion right) => left.CompareTo(right) >= 0;

    /// <summary>Reads two or three numbers with dots between; anything else is not the answer of a WebAPI.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out WebApiVersion version)
    {
        version = default;
        Span<int> numbers = stackalloc int[3];
        var count = 0;
        foreach (var part in text.Trim().Split('.'))
        {
            if (count == 3 || !int.TryParse(text.Trim()[part], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            numbers[count++] = number;
        }

        version = new WebApiVersion(numbers[0], numbers[1], numbers[2]);
        return count >= 2;
    }

    public int CompareTo(WebApiVersion other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}.{Patch}");
}
