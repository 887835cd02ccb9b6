using System.Text.Json;

namespace QbSync.QBittorrent.Json;

/// <summary>
/// Strings that repeat from torrent to torrent and from answer to answer: one object each as far as the table reaches. Slots are overwritten
/// without a lock, since a lost write only costs a string.
/// </summary>
internal static class StringPool
{
    private const int MaxLength = 256;
    private static readonly string?[] Slots = new string?[2048];

    /// <summary>The string that the reader is at, as <see cref="Lenient.ReadString"/> has it.</summary>
    public static string? Read(ref Utf8JsonReader reader)
    {
        // A character takes one byte at least, so what fits as bytes fits as characters.
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || reader.ValueSpan.Length > MaxLength)
        {
            return Lenient.ReadString(ref reader);
        }

        if (reader.ValueSpan.IsEmpty)
        {
            return "";
        }

        Span<char> room = stackalloc char[MaxLength];
        var text = room[..Copy(ref reader, room)];
        ref var slot = ref Slots[(uint)string.GetHashCode(text) % (uint)Slots.Length];
        var known = slot;
        return known is not null && text.SequenceEqual(known) ? known : slot = text.ToString();
    }

    private static int Copy(ref Utf8JsonReader reader, scoped Span<char> room)
    {
        try
        {
            return reader.CopyString(room);
        }
        catch (InvalidOperationException fault)
        {
            throw new JsonException("A string is not Unicode.", fault);
        }
    }
}
