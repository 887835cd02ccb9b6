using System.Buffers;
using System.Globalization;
using System.Text;

namespace QbSync.Testing.Torrents;

/// <summary>
/// Writes bencode from plain values: <c>long</c>, <c>int</c>, <c>string</c>, <c>byte[]</c>, <see cref="BencodeList"/>, <see cref="BencodeMap"/>, and
/// <see cref="BencodeRaw"/> for bytes that are to stand there as they are, however wrong.
/// </summary>
public static class BencodeWriter
{
    public static byte[] Write(object value)
    {
        var output = new ArrayBufferWriter<byte>();
        Write(output, value);
        return output.WrittenSpan.ToArray();
    }

    private static void Write(ArrayBufferWriter<byte> output, object value)
    {
        switch (value)
        {
            case int or long:
                output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"i{value}e")));
                break;
            case string text:
                Write(output, Encoding.UTF8.GetBytes(text));
                break;
            case byte[] bytes:
                output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{bytes.Length}:")));
                output.Write(bytes);
                break;
            case BencodeRaw raw:
                output.Write(raw.Bytes);
                break;
            case BencodeList list:
                output.Write("l"u8);
                list.ForEach(item => Write(output, item));
                output.Write("e"u8);
                break;
            case BencodeMap map:
                output.Write("d"u8);
                foreach (var (key, item) in map.InOrder())
                {
                    Write(output, key);
                    Write(output, item);
                }

                output.Write("e"u8);
                break;
            default:
                throw new ArgumentException($"No bencode for {value.GetType()}.", nameof(value));
        }
    }
}

public sealed class BencodeList : List<object>;

public sealed record BencodeRaw(byte[] Bytes)
{
    public BencodeRaw(string text)
        : this(Encoding.UTF8.GetBytes(text))
    {
    }
}

/// <summary>A dictionary that may hold equal keys; written in the order of the format unless <see cref="IsSorted"/> is false.</summary>
public sealed class BencodeMap : System.Collections.IEnumerable
{
    private readonly List<(byte[] Key, object Value)> _entries = [];

    public bool IsSorted { get; init; } = true;

    public object this[string key]
    {
        get => _entries.Find(entry => entry.Key.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(key))).Value;
        set
        {
            Remove(key);
            Add(key, value);
        }
    }

    public void Add(string key, object value) => Add(Encoding.UTF8.GetBytes(key), value);

    public void Add(byte[] key, object value) => _entries.Add((key, value));

    public bool Remove(string key) => _entries.RemoveAll(entry => entry.Key.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(key))) > 0;

    public IEnumerable<(byte[] Key, object Value)> InOrder() =>
        IsSorted ? _entries.OrderBy(entry => entry.Key, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))) : _entries;

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => _entries.GetEnumerator();
}
