using System.Buffers.Binary;
using System.Text;
using QbSync.Pieces;

namespace QbSync.Storage.State;

/// <summary>Reads a record field by field. Total: a field that is not there reads as empty, and <see cref="IsGood"/> tells.</summary>
internal ref struct RecordReader(ReadOnlySpan<byte> payload)
{
    private ReadOnlySpan<byte> _rest = payload;
    private bool _failed;

    /// <summary>Whether every field was there and nothing is left.</summary>
    public readonly bool IsGood => !_failed && _rest.IsEmpty;

    /// <summary>Whether there is more to read.</summary>
    public readonly bool HasMore => !_failed && !_rest.IsEmpty;

    /// <summary>Whether a field was not there.</summary>
    public readonly bool HasFailed => _failed;

    /// <summary>A field of 1 byte.</summary>
    public byte ReadByte() => Take(1) is [var value] ? value : (byte)0;

    /// <summary>A field of 4 bytes.</summary>
    public int ReadInt32() => Take(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : 0;

    /// <summary>A field of 8 bytes.</summary>
    public long ReadInt64() => Take(8) is { Length: 8 } bytes ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;

    /// <summary>A field of 8 bytes.</summary>
    public ulong ReadUInt64() => unchecked((ulong)ReadInt64());

    /// <summary>A field of bytes.</summary>
    public ReadOnlySpan<byte> ReadBytes() => Take(ReadInt32());

    /// <summary>A field of text.</summary>
    public string ReadString() => Encoding.UTF8.GetString(ReadBytes());

    /// <summary>A field of texts.</summary>
    public List<string> ReadStrings()
    {
        var values = new List<string>();
        for (var count = ReadInt32(); count > 0 && !_failed; count--)
        {
            values.Add(ReadString());
        }

        return values;
    }

    /// <summary>The fields of a file's record.</summary>
    public FileRecord ReadRecord() => new((OwnKind)ReadByte(), ReadUInt64(), ReadUInt64(), ReadInt64(), ReadInt64());

    /// <summary>A field of set bits: each goes to <paramref name="target"/>, as set or as cleared.</summary>
    public void ReadBits(PieceBitmap target, bool value)
    {
        for (var count = ReadInt32(); count > 0 && !_failed; count--)
        {
            var first = ReadInt32();
            var length = ReadInt32();
            if (first < 0 || length < 0 || (long)first + length > target.Length)
            {
                _failed = true;
                return;
            }

            for (var i = first; i < first + length; i++)
            {
                _ = value ? target.Set(i) : target.Clear(i);
            }
        }
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (_failed || length < 0 || length > _rest.Length)
        {
            _failed = true;
            return default;
        }

        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
