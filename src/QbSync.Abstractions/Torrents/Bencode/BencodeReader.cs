using System.Text;

namespace QbSync.Torrents.Bencode;

/// <summary>
/// A cursor over bencoded bytes (BEP 3). Total: every call moves forward or throws <see cref="TorrentFormatException"/>, whatever the bytes;
/// nothing recurses, and nothing is allocated for a length that the bytes only claim.
/// </summary>
internal ref struct BencodeReader(ReadOnlySpan<byte> data, int position = 0)
{
    private readonly ReadOnlySpan<byte> _data = data;

    public int Position { get; private set; } = position;

    public readonly BencodeKind Kind => Peek() switch
    {
        (byte)'i' => BencodeKind.Integer,
        (byte)'l' => BencodeKind.List,
        (byte)'d' => BencodeKind.Dictionary,
        (byte)'e' => BencodeKind.End,
        >= (byte)'0' and <= (byte)'9' => BencodeKind.Bytes,
        _ => throw Fault("no value begins like this"),
    };

    /// <summary>Steps into the list or dictionary that begins here.</summary>
    public void Enter(BencodeKind kind)
    {
        if (Kind != kind)
        {
            throw Fault($"{kind} expected, {Kind} found");
        }

        Position++;
    }

    /// <summary>Steps out of the list or dictionary if it ends here.</summary>
    public bool TryLeave()
    {
        if (Peek() != (byte)'e')
        {
            return false;
        }

        Position++;
        return true;
    }

    /// <summary>The bytes of a string, as a range of the whole.</summary>
    public Range ReadBytes()
    {
        if (Kind != BencodeKind.Bytes)
        {
            throw Fault($"string expected, {Kind} found");
        }

        long length = 0;
        byte digit;
        while ((digit = Next()) != (byte)':')
        {
            if (!char.IsAsciiDigit((char)digit) || (length = length * 10 + digit - '0') > int.MaxValue)
            {
                throw Fault("not a string length");
            }
        }

        if (length > _data.Length - Position)
        {
            throw Fault($"a string of {length} bytes where {_data.Length - Position} are left");
        }

        var start = Position;
        Position += (int)length;
        return start..Position;
    }

    /// <summary>
    /// An integer. Forms that the format forbids but decoders of clients take (leading zeros, minus zero) are taken: they must not make us
    /// see another torrent than the client does.
    /// </summary>
    public long ReadInteger()
    {
        var digits = _data[SkipInteger()];
        var negative = digits[0] == (byte)'-';
        long value = 0;
        foreach (var digit in digits[(negative ? 1 : 0)..])
        {
            if (value > (long.MaxValue - 9) / 10)
            {
                throw Fault("the integer is out of range");
            }

            value = value * 10 + digit - '0';
        }

        return negative ? -value : value;
    }

    /// <summary>Steps over one value of any kind.</summary>
    public void Skip()
    {
        var depth = 0;
        do
        {
            switch (Kind)
            {
                case BencodeKind.Integer:
                    SkipInteger();
                    break;
                case BencodeKind.Bytes:
                    ReadBytes();
                    break;
                case BencodeKind.End when depth == 0:
                    throw Fault("a value expected, an end found");
                case BencodeKind.End:
                    Position++;
                    depth--;
                    break;
                default:
                    Position++;
                    depth++;
                    break;
            }
        }
        while (depth > 0);
    }

    /// <summary>
    /// Reads the dictionary that begins here and notes where the value of each key starts, or -1. The first of equal keys counts; order is free.
    /// </summary>
    public void ReadDictionary(scoped ReadOnlySpan<string> keys, scoped Span<int> positions)
    {
        positions.Fill(-1);
        Enter(BencodeKind.Dictionary);
        while (!TryLeave())
        {
            var key = _data[ReadBytes()];
            for (var i = 0; i < keys.Length; i++)
            {
                if (positions[i] < 0 && Ascii.Equals(key, keys[i]))
                {
                    positions[i] = Position;
                }
            }

            Skip();
        }
    }

    public readonly TorrentFormatException Fault(string what) =>
        new(TorrentFormatReason.Malformed, $"The torrent is malformed at byte {Position}: {what}.");

    private Range SkipInteger()
    {
        if (Kind != BencodeKind.Integer)
        {
            throw Fault($"integer expected, {Kind} found");
        }

        Position++;
        var start = Position;
        if (Peek() == (byte)'-')
        {
            Position++;
        }

        var first = Position;
        while (Peek() != (byte)'e')
        {
            if (!char.IsAsciiDigit((char)Next()))
            {
                throw Fault("not an integer");
            }
        }

        if (Position == first)
        {
            throw Fault("an integer without digits");
        }

        return start..Position++;
    }

    private byte Next()
    {
        var value = Peek();
        Position++;
        return value;
    }

    private readonly byte Peek() => Position < _data.Length ? _data[Position] : throw Fault("the bytes end too early");
}
