using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QbSync.Transport.Security;

/// <summary>
/// Who a node is: SHA-256 of its certificate. For people it is base32 with a check character after each 13, in 8 groups of 7, so that a mistyped one is
/// noticed; case, spaces and dashes do not matter.
/// </summary>
public readonly record struct NodeId
{
    internal const int Bytes = 32;
    private const int PartLength = 13;
    private const int Parts = 4;
    private const int GroupLength = 7;
    private const int Radix = 32;

    private readonly UInt128 _high;
    private readonly UInt128 _low;

    private NodeId(ReadOnlySpan<byte> hash)
    {
        _high = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash);
        _low = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash[16..]);
    }

    /// <summary>The id of the node that shows this certificate.</summary>
    public static NodeId Of(X509Certificate certificate) => new(SHA256.HashData(certificate.GetRawCertData()));

    /// <summary>Reads an id as <see cref="ToString"/> writes it.</summary>
    /// <exception cref="FormatException">It is none, or a character of it is wrong.</exception>
    public static NodeId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"\"{text}\" is no node id: {Parts * (PartLength + 1)} letters and digits in groups of {GroupLength}.");

    /// <summary>Reads an id as <see cref="ToString"/> writes it; false when it is none, or a character of it is wrong.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out NodeId id)
    {
        id = default;
        if (Base32.ReadValues(text, Parts * (PartLength + 1)) is not { Length: Parts * (PartLength + 1) } values)
        {
            return false;
        }

        Span<int> data = stackalloc int[Parts * PartLength];
        for (var part = 0; part < Parts; part++)
        {
            var from = values.AsSpan(part * (PartLength + 1), PartLength);
            if (Check(from) != values[part * (PartLength + 1) + PartLength])
            {
                return false;
            }

            from.CopyTo(data[(part * PartLength)..]);
        }

        Span<byte> hash = stackalloc byte[Bytes];
        if (!Base32.TryDecode(data, hash))
        {
            return false;
        }

        id = new NodeId(hash);
        return true;
    }

    /// <summary>The id for people: 8 groups of 7.</summary>
    public override string ToString()
    {
        var data = Base32.Encode(ToBytes());
        Span<int> values = stackalloc int[PartLength];
        Span<char> text = stackalloc char[Parts * (PartLength + 1) / GroupLength * (GroupLength + 1) - 1];
        var next = 0;
        for (var i = 0; i < Parts * (PartLength + 1); i++)
        {
            var (part, place) = (i / (PartLength + 1), i % (PartLength + 1));
            if (i > 0 && i % GroupLength == 0)
            {
                text[next++] = '-';
            }

            if (place < PartLength)
            {
                text[next++] = data[part * PartLength + place];
                values[place] = Base32.Alphabet.IndexOf(data[part * PartLength + place]);
            }
            else
            {
                text[next++] = Base32.Alphabet[Check(values)];
            }
        }

        return new string(text);
    }

    /// <summary>The 32 bytes of the hash.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Bytes];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, _high);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(16), _low);
        return bytes;
    }

    internal static NodeId Read(ReadOnlySpan<byte> hash) => new(hash);

    /// <summary>Weights are odd, so that each single wrong character changes the sum.</summary>
    private static int Check(ReadOnlySpan<int> values)
    {
        var sum = 0;
        for (var i = 0; i < values.Length; i++)
        {
            sum += (2 * i + 1) * values[i];
        }

        return sum % Radix;
    }
}
