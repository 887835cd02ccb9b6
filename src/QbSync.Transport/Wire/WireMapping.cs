using Google.Protobuf;
using QbSync.Pieces;
using QbSync.Torrents;

namespace QbSync.Transport.Wire;

/// <summary>
/// Between the wire's messages and our own types: the one place that sees both. What a peer sent is checked here before anything else reads it; what is
/// wrong is a <see cref="PeerException"/> of fault Malformed. Numbers that this build does not know become the Unknown of their enum.
/// </summary>
internal static partial class WireMapping
{
    /// <summary>Most bits that a bitmap may claim: more than any torrent that is accepted has pieces or files.</summary>
    private const int MaxBits = 1 << 26;

    public static ByteString ToWire(InfoHash id) => UnsafeByteOperations.UnsafeWrap(id.ToArray());

    public static InfoHash ToId(ByteString bytes) => InfoHash.TryFromBytes(bytes.Span, out var id)
        ? id
        : throw Malformed($"a torrent id has {bytes.Length} bytes");

    public static ByteString ToWire(ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    public static PieceBitmap ToBitmap(ByteString bytes, uint bits) =>
        bits <= MaxBits && PieceBitmap.TryFromBytes(bytes.Span, (int)bits, out var bitmap)
            ? bitmap
            : throw Malformed($"{bytes.Length} bytes are no bitmap of {bits} bits");

    public static PeerException Malformed(string what) => new(PeerFault.Malformed, $"The peer broke the protocol: {what}.");

    /// <summary>Texts are for people: cut rather than refused.</summary>
    public static string Cut(string text) => text.Length <= SyncLimits.MaxText ? text : text[..SyncLimits.MaxText];

    private static TEnum Known<TEnum>(int number, TEnum unknown)
        where TEnum : struct, Enum
    {
        var value = (TEnum)Enum.ToObject(typeof(TEnum), number);
        return Enum.IsDefined(value) ? value : unknown;
    }

    private static int Saturate(ulong value) => (int)Math.Min(value, int.MaxValue);

    private static long SaturateLong(ulong value) => (long)Math.Min(value, long.MaxValue);

    private static ulong NotNegative(long value) => (ulong)Math.Max(value, 0);

    private static TimeSpan Milliseconds(ulong value) => TimeSpan.FromMilliseconds(Math.Min(value, 1UL << 40));

    private static DateTimeOffset FromUnix(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, -62_135_596_800_000, 253_402_300_799_999));
}
