using System.Buffers;
using System.Globalization;
using System.Text;

namespace QbSync.Host.Reporting;

/// <summary>Text of others made fit to be shown. Pure.</summary>
internal static class ShownText
{
    private const int Longest = 512;

    /// <summary>What changes the order in which text is shown, or is not seen at all.</summary>
    private static readonly SearchValues<char> Marks = SearchValues.Create("\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff");

    /// <summary>At most 512 characters of it; control characters and marks of direction are spelled out.</summary>
    public static string Escape(string text)
    {
        var cut = Cut(text);
        return cut.Any(IsHostile) ? string.Concat(cut.Select(static c => IsHostile(c) ? $"\\u{(int)c:x4}" : c.ToString())) : cut;
    }

    /// <summary>The same for a terminal: each of those is a question mark.</summary>
    public static string Mask(string text) => Cut(text).Any(IsHostile) ? new string([.. Cut(text).Select(static c => IsHostile(c) ? '?' : c)]) : Cut(text);

    /// <summary><c>HandingOff</c> as <c>handing-off</c>.</summary>
    public static string ToKebab(string name)
    {
        var text = new StringBuilder(name.Length + 2);
        foreach (var c in name)
        {
            if (char.IsUpper(c) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLower(c, CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    private static bool IsHostile(char c) => char.IsControl(c) || Marks.Contains(c);

    private static string Cut(string text) =>
        text.Length <= Longest ? text : text[..(char.IsHighSurrogate(text[Longest - 2]) ? Longest - 2 : Longest - 1)] + "…";
}
