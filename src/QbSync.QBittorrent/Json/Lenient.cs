using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace QbSync.QBittorrent.Json;

/// <summary>
/// Reads a value that is no object and no array, whatever form a version or a proxy gave it. What cannot be that type is missing; text that is no
/// Unicode is an answer that cannot be read.
/// </summary>
internal static class Lenient
{
    private const double Widest = 9e18;

    /// <summary>Integers, also as doubles or strings; what does not fit is missing.</summary>
    public static long? ReadInt64(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number))
        {
            return number;
        }

        if (reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped
            && Utf8Parser.TryParse(reader.ValueSpan, out long told, out var used) && used == reader.ValueSpan.Length)
        {
            return told;
        }

        return ReadDouble(ref reader) is { } value && Math.Abs(value) < Widest ? (long)value : null;
    }

    /// <summary>Finite numbers, also as strings.</summary>
    public static double? ReadDouble(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.Number => reader.TryGetDouble(out var number) && double.IsFinite(number) ? number : null,
        JsonTokenType.String => double.TryParse(reader.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed)
            && double.IsFinite(parsed) ? parsed : null,
        _ => null,
    };

    /// <summary>Booleans, also as numbers and as strings of either case.</summary>
    public static bool? ReadBoolean(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        JsonTokenType.Number => ReadDouble(ref reader) is { } number ? number != 0 : null,
        JsonTokenType.String when Utf8Parser.TryParse(reader.ValueSpan, out bool value, out var used) && used == reader.ValueSpan.Length => value,
        JsonTokenType.String when ReadDouble(ref reader) is { } number => number != 0,
        _ => null,
    };

    /// <summary>Strings; a number or boolean in a string's place is its text.</summary>
    public static string? ReadString(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String or JsonTokenType.PropertyName => ReadText(ref reader),
        JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False => Encoding.UTF8.GetString(reader.ValueSpan),
        _ => null,
    };

    // Half a surrogate pair, bytes that are no UTF-8.
    private static string? ReadText(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException fault)
        {
            throw new JsonException("A string is not Unicode.", fault);
        }
    }
}
