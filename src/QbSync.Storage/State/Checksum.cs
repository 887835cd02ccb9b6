using System.Buffers.Binary;
using System.Numerics;

namespace QbSync.Storage.State;

/// <summary>CRC32C (Castagnoli), as the journal uses it.</summary>
internal static class Checksum
{
    /// <summary>Goes on from <paramref name="crc"/> (0 to begin) over <paramref name="bytes"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }
}
