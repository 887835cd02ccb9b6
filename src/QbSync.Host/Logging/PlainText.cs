using System.Globalization;
using System.Text;

namespace QbSync.Host.Logging;

/// <summary>Text of strangers, like a torrent's name, made so that it can neither fake a line nor turn its direction.</summary>
internal static class PlainText
{
    /// <summary>Control, format and separating characters become <c>\uXXXX</c>, broken halves of a pair the sign for that; all else stays.</summary>
    public static string Escape(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsUnseen(rune))
            {
                var escaped = new StringBuilder(text.Length + 16);
                Append(escaped, text);
                return escaped.ToString();
            }
        }

        return text;
    }

    /// <inheritdoc cref="Escape" />
    public static void Append(StringBuilder output, string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsUnseen(rune))
            {
                output.Append(rune.IsBmp ? "\\u" : "\\U").Append(rune.Value.ToString(rune.IsBmp ? "x4" : "x8", CultureInfo.InvariantCulture));
            }
            else
            {
                output.Append(rune.ToString());
            }
        }
    }

    private static bool IsUnseen(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
