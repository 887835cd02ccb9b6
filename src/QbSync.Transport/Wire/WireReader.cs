using System.Buffers;

namespace QbSync.Transport.Wire;

/// <summary>Protobuf's wire types.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}

/// <summary>
/// Reads protobuf fields without building anything. Total: after bad bytes <see cref="IsMalformed"/> is true and nothing more is read.
/// </summary>
internal ref struct WireReader(ReadOnlySequence<byte> message)
{
    private const int MaxGroupDepth = 32;
    private SequenceReader<byte> _reader = new(message);

    public bool IsMalformed { get; private set; }

    /// <summary>The next field's number and type; false at the end or after bad bytes.</summary>
    public bool TryReadTag(out int field, out WireType wireType)
    {
        (field, wireType) = (0, WireType.Varint);
        if (IsMalformed || _reader.End)
        {
            return false;
        }

        var tag = (uint)ReadVarint();
        (field, wireType) = ((int)(tag >> 3), (WireType)(tag & 7));
        Fail(field == 0);
        return !IsMalformed;
    }

    public ulong ReadVarint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (!_reader.TryRead(out var next))
            {
                break;
            }

            value |= shift < 64 ? (ulong)(next & 0x7f) << shift : 0;
            if (next < 0x80)
            {
                return value;
            }
        }

        Fail(true);
        return 0;
    }

    public ReadOnlySequence<byte> ReadBytes()
    {
        var length = ReadVarint();
        if (IsMalformed || length > (ulong)_reader.Remaining)
        {
            Fail(true);
            return ReadOnlySequence<byte>.Empty;
        }

        var bytes = _reader.UnreadSequence.Slice(0, (long)length);
        _reader.Advance((long)length);
        return bytes;
    }

    /// <summary>Passes over a field that is not known.</summary>
    public void Skip(int field, WireType wireType) => Skip(field, wireType, 0);

    /// <summary>Ends the reading when <paramref name="isMalformed"/>.</summary>
    public void Fail(bool isMalformed) => IsMalformed |= isMalformed;

    private void Skip(int field, WireType wireType, int depth)
    {
        switch (wireType)
        {
            case WireType.Varint:
                ReadVarint();
                break;
            case WireType.Fixed64:
                Advance(8);
                break;
            case WireType.Bytes:
                ReadBytes();
                break;
            case WireType.StartGroup:
                SkipGroup(field, depth);
                break;
            case WireType.Fixed32:
                Advance(4);
                break;
            default:
                Fail(true);
                break;
        }
    }

    private void SkipGroup(int group, int depth)
    {
        Fail(depth >= MaxGroupDepth);
        while (TryReadTag(out var field, out var wireType))
        {
            if (wireType == WireType.EndGroup)
            {
                Fail(field != group);
                return;
            }

            Skip(field, wireType, depth + 1);
        }

        Fail(true);
    }

    private void Advance(long count)
    {
        if (count > _reader.Remaining)
        {
            Fail(true);
            return;
        }

        _reader.Advance(count);
    }
}
