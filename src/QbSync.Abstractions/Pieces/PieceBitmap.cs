using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace QbSync.Pieces;

/// <summary>
/// A fixed number of bits, one a piece, with their count at hand. Bytes are as BEP 3 has them: bit i in byte i / 8, high bit first, spare bits 0.
/// Not thread-safe: its owner guards it, and gives others a <see cref="Clone"/>.
/// </summary>
public sealed class PieceBitmap
{
    private readonly ulong[] _words;

    /// <summary>All bits 0.</summary>
    public PieceBitmap(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        _words = new ulong[(length + 63) / 64];
    }

    private PieceBitmap(int length, ulong[] words, int count)
    {
        Length = length;
        _words = words;
        Count = count;
    }

    /// <summary>Number of bits.</summary>
    public int Length { get; }

    /// <summary>Number of bits that are 1.</summary>
    public int Count { get; private set; }

    /// <summary>Whether every bit is 1.</summary>
    public bool IsFull => Count == Length;

    /// <summary>The bit; out of range is an argument error.</summary>
    public bool this[int index]
    {
        get
        {
            Check(index);
            return (_words[index >> 6] & Mask(index)) != 0;
        }
    }

    /// <summary>Makes the bit 1; false if it was.</summary>
    public bool Set(int index)
    {
        Check(index);
        ref var word = ref _words[index >> 6];
        if ((word & Mask(index)) != 0)
        {
            return false;
        }

        word |= Mask(index);
        Count++;
        return true;
    }

    /// <summary>Makes the bit 0; false if it was.</summary>
    public bool Clear(int index)
    {
        Check(index);
        ref var word = ref _words[index >> 6];
        if ((word & Mask(index)) == 0)
        {
            return false;
        }

        word &= ~Mask(index);
        Count--;
        return true;
    }

    /// <summary>Makes every bit 1.</summary>
    public void SetAll()
    {
        Array.Fill(_words, ulong.MaxValue);
        if ((Length & 63) != 0)
        {
            _words[^1] = ulong.MaxValue << (64 - (Length & 63));
        }

        Count = Length;
    }

    /// <summary>Turns every bit over.</summary>
    public void SetComplement()
    {
        var count = Length - Count;
        for (var i = 0; i < _words.Length; i++)
        {
            _words[i] = ~_words[i];
        }

        if ((Length & 63) != 0)
        {
            _words[^1] &= ulong.MaxValue << (64 - (Length & 63));
        }

        Count = count;
    }

    /// <summary>First index at or above <paramref name="from"/> whose bit is 1, or -1.</summary>
    public int NextSet(int from) => Next(from, 0);

    /// <summary>First index at or above <paramref name="from"/> whose bit is 0, or -1.</summary>
    public int NextClear(int from) => Next(from, ulong.MaxValue);

    /// <summary>Bits that are 1 here and in <paramref name="other"/>, which must be as long.</summary>
    public int CountAnd(PieceBitmap other)
    {
        CheckLength(other);
        var count = 0;
        for (var i = 0; i < _words.Length; i++)
        {
            count += BitOperations.PopCount(_words[i] & other._words[i]);
        }

        return count;
    }

    /// <summary>Whether every bit of <paramref name="other"/>, which must be as long, is 1 here.</summary>
    public bool Contains(PieceBitmap other) => CountAnd(other) == other.Count;

    /// <summary>Makes the bits of <paramref name="other"/>, which must be as long, 1 here.</summary>
    public void Or(PieceBitmap other)
    {
        CheckLength(other);
        var count = 0;
        for (var i = 0; i < _words.Length; i++)
        {
            _words[i] |= other._words[i];
            count += BitOperations.PopCount(_words[i]);
        }

        Count = count;
    }

    /// <summary>Makes the bits of <paramref name="other"/>, which must be as long, 0 here.</summary>
    public void Except(PieceBitmap other)
    {
        CheckLength(other);
        var count = 0;
        for (var i = 0; i < _words.Length; i++)
        {
            _words[i] &= ~other._words[i];
            count += BitOperations.PopCount(_words[i]);
        }

        Count = count;
    }

    /// <summary>A copy that shares nothing.</summary>
    public PieceBitmap Clone() => new(Length, (ulong[])_words.Clone(), Count);

    /// <summary>Same length and same bits.</summary>
    public bool ContentEquals(PieceBitmap? other) => other is not null && Length == other.Length && _words.AsSpan().SequenceEqual(other._words);

    /// <summary>Bytes of the packed form.</summary>
    public static int GetByteCount(int length) => (length + 7) / 8;

    /// <summary>The packed form in a new array.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[GetByteCount(Length)];
        Span<byte> word = stackalloc byte[8];
        for (var i = 0; i < _words.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(word, _words[i]);
            word[..Math.Min(8, bytes.Length - i * 8)].CopyTo(bytes.AsSpan(i * 8));
        }

        return bytes;
    }

    /// <summary>Reads the packed form; false when the length is not exactly that of <paramref name="length"/> bits, or a spare bit is 1.</summary>
    public static bool TryFromBytes(ReadOnlySpan<byte> bytes, int length, [NotNullWhen(true)] out PieceBitmap? bitmap)
    {
        bitmap = null;
        if (length < 0 || bytes.Length != GetByteCount(length) || ((length & 7) != 0 && (bytes[^1] & (0xff >> (length & 7))) != 0))
        {
            return false;
        }

        var words = new ulong[(length + 63) / 64];
        var count = 0;
        Span<byte> word = stackalloc byte[8];
        for (var i = 0; i < words.Length; i++)
        {
            var part = bytes.Slice(i * 8, Math.Min(8, bytes.Length - i * 8));
            word.Clear();
            part.CopyTo(word);
            words[i] = BinaryPrimitives.ReadUInt64BigEndian(word);
            count += BitOperations.PopCount(words[i]);
        }

        bitmap = new PieceBitmap(length, words, count);
        return true;
    }

    private int Next(int from, ulong flip)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        if (from >= Length)
        {
            return -1;
        }

        var i = from >> 6;
        var word = (_words[i] ^ flip) & (ulong.MaxValue >> (from & 63));
        while (word == 0)
        {
            if (++i == _words.Length)
            {
                return -1;
            }

            word = _words[i] ^ flip;
        }

        var index = i * 64 + BitOperations.LeadingZeroCount(word);
        return index < Length ? index : -1;
    }

    private static ulong Mask(int index) => 1UL << (63 - (index & 63));

    private void Check(int index)
    {
        if ((uint)index >= (uint)Length)
        {
            throw new ArgumentOutOfRangeException(nameof(index), index, $"The bitmap has {Length} bits.");
        }
    }

    private void CheckLength(PieceBitmap other)
    {
        if (other.Length != Length)
        {
            throw new ArgumentException($"Bitmaps of {Length} and {other.Length} bits do not go together.", nameof(other));
        }
    }
}
