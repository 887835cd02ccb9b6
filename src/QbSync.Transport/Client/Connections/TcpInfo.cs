using System.Runtime.InteropServices;

namespace QbSync.Transport.Client.Connections;

/// <summary>
/// What the kernel knows of a TCP connection (<c>struct tcp_info</c>). Older kernels give less of it: what a kernel did not give is null.
/// </summary>
internal readonly record struct TcpInfo
{
    /// <summary>The most of the structure that is decoded; a kernel fills what it knows of it.</summary>
    public const int Length = 280;

    /// <summary>What every kernel gives that has TCP_INFO at all.</summary>
    private const int LeastLength = 104;

    /// <summary>Smoothed round trip.</summary>
    public required TimeSpan RoundTrip { get; init; }

    /// <summary>Least round trip of the last minutes; null also before the first sample.</summary>
    public TimeSpan? LeastRoundTrip { get; init; }

    /// <summary>Time with something to send or to be acknowledged.</summary>
    public TimeSpan? Busy { get; init; }

    /// <summary>Of <see cref="Busy"/>: the peer's receive window held the sender.</summary>
    public TimeSpan? ReceiverLimited { get; init; }

    /// <summary>Of <see cref="Busy"/>: the own send buffer held the sender.</summary>
    public TimeSpan? BufferLimited { get; init; }

    /// <summary>The last delivery rate was measured while there was too little to send.</summary>
    public bool? IsApplicationLimited { get; init; }

    /// <summary>Bytes that the peer has acknowledged, ever.</summary>
    public long? Acknowledged { get; init; }

    /// <summary>Bytes sent more than once, ever.</summary>
    public long? Resent { get; init; }

    /// <summary>Bytes a second that arrived lately.</summary>
    public long? DeliveryRate { get; init; }

    /// <summary>The most that the peer can say it has room for.</summary>
    public long LargestWindow { get; init; }

    /// <summary>Bytes written and not sent yet.</summary>
    public long? NotSent { get; init; }

    /// <summary>Decodes what the kernel returned; null when it is less than any kernel returns.</summary>
    public static TcpInfo? Decode(ReadOnlySpan<byte> raw)
    {
        if (raw.Length < LeastLength)
        {
            return null;
        }

        var least = ReadInt(raw, 148);
        return new TcpInfo
        {
            RoundTrip = TimeSpan.FromMicroseconds(ReadInt(raw, 68)!.Value),
            LeastRoundTrip = least is null or uint.MaxValue ? null : TimeSpan.FromMicroseconds(least.Value),
            Busy = ReadTime(raw, 168),
            ReceiverLimited = ReadTime(raw, 176),
            BufferLimited = ReadTime(raw, 184),

            // The bit came with the rate that it is about.
            IsApplicationLimited = raw.Length < 168 ? null : (raw[7] & 1) != 0,
            Acknowledged = ReadLong(raw, 120),
            Resent = ReadLong(raw, 208),
            DeliveryRate = ReadLong(raw, 160),
            NotSent = ReadInt(raw, 144),

            // Bit 2 of the options: both ends scale windows. The low half of the byte behind them is the scale of the peer's.
            LargestWindow = (long)ushort.MaxValue << ((raw[5] & 4) != 0 ? raw[6] & 0xf : 0),
        };
    }

    // Read in the machine's own order, as the kernel writes.
    private static uint? ReadInt(ReadOnlySpan<byte> raw, int offset) =>
        raw.Length < offset + sizeof(uint) ? null : MemoryMarshal.Read<uint>(raw[offset..]);

    private static long? ReadLong(ReadOnlySpan<byte> raw, int offset) =>
        raw.Length < offset + sizeof(ulong) ? null : (long)Math.Min(MemoryMarshal.Read<ulong>(raw[offset..]), long.MaxValue);

    private static TimeSpan? ReadTime(ReadOnlySpan<byte> raw, int offset) =>
        ReadLong(raw, offset) is { } microseconds
            ? TimeSpan.FromTicks(Math.Min(microseconds, TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMicrosecond) * TimeSpan.TicksPerMicrosecond)
            : null;
}
