namespace QbSync.Transport.Security;

/// <summary>
/// Base32 of RFC 4648 without padding, for what people copy by hand: case, spaces and dashes do not matter, and the three digits that are none of its
/// characters are read as the letters they look like.
/// </summary>
internal static class Base32
{
    public const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    private const int BitsPerCharacter = 5;

    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new char[(bytes.Length * 8 + BitsPerCharacter - 1) / BitsPerCharacter];
        for (var i = 0; i < text.Length; i++)
        {
            var value = 0;
            for (var bit = i * BitsPerCharacter; bit < (i + 1) * BitsPerCharacter; bit++)
            {
                value = (value << 1) | (bit < bytes.Length * 8 ? (bytes[bit / 8] >> (7 - bit % 8)) & 1 : 0);
            }

            text[i] = Alphabet[value];
        }

        return new string(text);
    }

    /// <summary>Fills <paramref name="bytes"/> from exactly as many characters as it takes; false when a bit beyond it is set.</summary>
    public static bool TryDecode(ReadOnlySpan<int> values, Span<byte> bytes)
    {
        if (values.Length != (bytes.Length * 8 + BitsPerCharacter - 1) / BitsPerCharacter)
        {
            return false;
        }

        bytes.Clear();
        for (var bit = 0; bit < values.Length * BitsPerCharacter; bit++)
        {
            if (((values[bit / BitsPerCharacter] >> (BitsPerCharacter - 1 - bit % BitsPerCharacter)) & 1) == 0)
            {
                continue;
            }

            if (bit >= bytes.Length * 8)
            {
                return false;
            }

            bytes[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        return true;
    }

    /// <summary>The characters' values, separators left out; null when there is another character, or more than <paramref name="most"/>.</summary>
    public static int[]? ReadValues(ReadOnlySpan<char> text, int most)
    {
        var values = new List<int>(most);
        foreach (var character in text)
        {
            if (character is ' ' or '-')
            {
                continue;
            }

            var value = Alphabet.IndexOf(char.ToUpperInvariant(character) switch
            {
                '0' => 'O',
                '1' => 'I',
                '8' => 'B',
                var other => other,
            });
            if (value < 0 || values.Count == most)
            {
                return null;
            }

            values.Add(value);
        }

        return [.. values];
    }
}
