using System.Text;
using System.Text.Json;

namespace QbSync.QBittorrent.Json;

/// <summary>Finds a field by the bytes of its name, without making a string. Immutable, open addressing.</summary>
internal sealed class FieldTable
{
    // No name we read is longer; what is longer is none of ours.
    private const int LongestName = 64;

    private readonly (byte[] Name, int Field)[] _slots;

    /// <summary>Names in the order of their numbers.</summary>
    public FieldTable(params ReadOnlySpan<string> names)
    {
        _slots = new (byte[], int)[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)names.Length * 4)];
        for (var field = 0; field < names.Length; field++)
        {
            var name = Encoding.UTF8.GetBytes(names[field]);
            var slot = Start(name);
            while (_slots[slot].Name is not null)
            {
                slot = (slot + 1) & (_slots.Length - 1);
            }

            _slots[slot] = (name, field);
        }
    }

    /// <summary>The number of the property name that the reader is at; -1 for one that is not read.</summary>
    public int Find(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            return Find(reader.ValueSpan);
        }

        if (reader.ValueSpan.Length > LongestName)
        {
            return -1;
        }

        Span<byte> plain = stackalloc byte[LongestName];
        return Find(plain[..Unescape(ref reader, plain)]);
    }

    private static int Unescape(ref Utf8JsonReader reader, scoped Span<byte> plain)
    {
        try
        {
            return reader.CopyString(plain);
        }
        catch (InvalidOperationException fault)
        {
            throw new JsonException("A name is not Unicode.", fault);
        }
    }

    private int Find(ReadOnlySpan<byte> name)
    {
        for (var slot = Start(name); _slots[slot].Name is { } known; slot = (slot + 1) & (_slots.Length - 1))
        {
            if (name.SequenceEqual(known))
            {
                return _slots[slot].Field;
            }
        }

        return -1;
    }

    private int Start(ReadOnlySpan<byte> name) =>
        name.IsEmpty ? 0 : ((name.Length * 31) + (name[0] * 7) + (name[^1] * 3) + name[name.Length / 2]) & (_slots.Length - 1);
}
