using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using QbSync.Pieces;

namespace QbSync.Storage.State;

/// <summary>Records on their way into a journal, built field by field, little-endian. Not thread-safe.</summary>
internal sealed class RecordBatch
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly List<(RecordType Type, int Start)> _records = [];

    /// <summary>Number of records.</summary>
    public int Count => _records.Count;

    /// <summary>Begins a record; the fields that follow belong to it.</summary>
    public RecordBatch Begin(RecordType type)
    {
        _records.Add((type, _bytes.WrittenCount));
        return this;
    }

    /// <summary>A record's type and payload.</summary>
    public (RecordType Type, ReadOnlyMemory<byte> Payload) this[int index]
    {
        get
        {
            var end = index + 1 < _records.Count ? _records[index + 1].Start : _bytes.WrittenCount;
            return (_records[index].Type, _bytes.WrittenMemory[_records[index].Start..end]);
        }
    }

    /// <summary>Adds the records of another batch.</summary>
    public void Append(RecordBatch other)
    {
        for (var i = 0; i < other.Count; i++)
        {
            var (type, payload) = other[i];
            Begin(type);
            _bytes.Write(payload.Span);
        }
    }

    /// <summary>A field of 1 byte.</summary>
    public RecordBatch Add(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
        return this;
    }

    /// <summary>A field of 4 bytes.</summary>
    public RecordBatch Add(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.GetSpan(4), value);
        _bytes.Advance(4);
        return this;
    }

    /// <summary>A field of 8 bytes.</summary>
    public RecordBatch Add(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_bytes.GetSpan(8), value);
        _bytes.Advance(8);
        return this;
    }

    /// <summary>A field of 8 bytes.</summary>
    public RecordBatch Add(ulong value) => Add(unchecked((long)value));

    /// <summary>A field of bytes, its length first.</summary>
    public RecordBatch Add(ReadOnlySpan<byte> value)
    {
        Add(value.Length);
        _bytes.Write(value);
        return this;
    }

    /// <summary>A field of text, its length in bytes first.</summary>
    public RecordBatch Add(string value) => Add(Encoding.UTF8.GetBytes(value));

    /// <summary>A field of texts, their number first.</summary>
    public RecordBatch Add(IReadOnlyList<string> values)
    {
        Add(values.Count);
        foreach (var value in values)
        {
            Add(value);
        }

        return this;
    }

    /// <summary>A field of set bits, as runs (first, count), their number first.</summary>
    public RecordBatch Add(PieceBitmap bits)
    {
        var runs = 0;
        var start = _bytes.WrittenCount;
        Add(0);
        for (var first = bits.NextSet(0); first >= 0;)
        {
            var end = bits.NextClear(first);
            end = end < 0 ? bits.Length : end;
            Add(first).Add(end - first);
            runs++;
            first = end < bits.Length ? bits.NextSet(end) : -1;
        }

        // The writer hands out memory that it still owns, so the count, known only now, goes in behind its back.
        var written = System.Runtime.InteropServices.MemoryMarshal.AsMemory(_bytes.WrittenMemory);
        BinaryPrimitives.WriteInt32LittleEndian(written.Span[start..], runs);
        return this;
    }
}
