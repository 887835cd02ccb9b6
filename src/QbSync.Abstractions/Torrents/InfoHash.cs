using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace QbSync.Torrents;

/// <summary>
/// A BitTorrent info hash: 20 bytes (SHA-1, BEP 3) or 32 bytes (SHA-256, BEP 52). An immutable value that compares by content.
/// The default value is <see cref="None"/>, the hash of no torrent.
/// </summary>
public readonly record struct InfoHash
{
    private readonly ulong _a, _b, _c, _d;
    private readonly byte _length;

    private InfoHash(ReadOnlySpan<byte> bytes)
    {
        Span<byte> all = stackalloc byte[32];
        all.Clear();
        bytes.CopyTo(all);
        _a = BinaryPrimitives.ReadUInt64BigEndian(all);
        _b = BinaryPrimitives.ReadUInt64BigEndian(all[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(all[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(all[24..]);
        _length = (byte)bytes.Length;
    }

    /// <summary>The hash of no torrent; its <see cref="Length"/> is 0.</summary>
    public static InfoHash None => default;

    /// <summary>20 for a v1 hash or a v2 hash cut short, 32 for a v2 hash, 0 for <see cref="None"/>.</summary>
    public int Length => _length;

    /// <summary>Whether this is a whole v2 hash (32 bytes).</summary>
    public bool IsV2 => _length == 32;

    /// <summary>The first 20 bytes: the form in which a v2 hash crosses trackers, and the id that libtorrent 2 gives a v2 torrent (BEP 52).</summary>
    public InfoHash Truncated
    {
        get
        {
            if (_length <= 20)
            {
                return this;
            }

            Span<byte> bytes = stackalloc byte[32];
            CopyTo(bytes);
            return new InfoHash(bytes[..20]);
        }
    }

    /// <summary>Makes a hash from its bytes.</summary>
    /// <exception cref="ArgumentException">Neither 20 nor 32 bytes.</exception>
    public static InfoHash FromBytes(ReadOnlySpan<byte> bytes) =>
        TryFromBytes(bytes, out var hash) ? hash : throw new ArgumentException("An info hash has 20 or 32 bytes.", nameof(bytes));

    /// <summary>Makes a hash from its bytes; false unless there are 20 or 32.</summary>
    public static bool TryFromBytes(ReadOnlySpan<byte> bytes, out InfoHash hash)
    {
        if (bytes.Length is not (20 or 32))
        {
            hash = default;
            return false;
        }

        hash = new InfoHash(bytes);
        return true;
    }

    /// <summary>Reads 40 or 64 hexadecimal digits of either case.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out InfoHash hash)
    {
        hash = default;
        if (text is not { Length: 40 or 64 })
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[32];
        return Convert.FromHexString(text, bytes, out _, out var written) == System.Buffers.OperationStatus.Done
            && TryFromBytes(bytes[..written], out hash);
    }

    /// <summary>Reads 40 or 64 hexadecimal digits of either case.</summary>
    /// <exception cref="FormatException">Anything else.</exception>
    public static InfoHash Parse(string text) =>
        TryParse(text, out var hash) ? hash : throw new FormatException("An info hash is 40 or 64 hexadecimal digits.");

    /// <summary>Writes the bytes into <paramref name="destination"/>, which must have room for <see cref="Length"/>.</summary>
    public void CopyTo(Span<byte> destination)
    {
        Span<byte> all = stackalloc byte[32];
        BinaryPrimitives.WriteUInt64BigEndian(all, _a);
        BinaryPrimitives.WriteUInt64BigEndian(all[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(all[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(all[24..], _d);
        all[.._length].CopyTo(destination);
    }

    /// <summary>The bytes in a new array.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[_length];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>Lower-case hexadecimal digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[32];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes[.._length]);
    }
}
