using System.Buffers.Binary;
using System.Numerics;

namespace QbSync.Storage.State;

/// <summary>What a record's file says of itself.</summary>
internal enum RecordCondition
{
    /// <summary>The content is what was written.</summary>
    Good = 0,

    /// <summary>The file is not one of ours, or not whole.</summary>
    Damaged = 1,

    /// <summary>A newer build wrote it.</summary>
    Newer = 2,
}

/// <summary>
/// The file of a record: 8 bytes of magic, u32 version, u32 CRC32C over version and content, content. Little-endian. A version that differs means that
/// the header is as here and the content is not.
/// </summary>
internal static class RecordFormat
{
    private const int HeaderLength = 16;
    private const uint Version = 1;

    private static ReadOnlySpan<byte> Magic => "QbSyncR\n"u8;

    /// <summary>The file of a content.</summary>
    public static byte[] Wrap(ReadOnlySpan<byte> content, uint version = Version)
    {
        var file = new byte[HeaderLength + content.Length];
        Magic.CopyTo(file);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(8), version);
        content.CopyTo(file.AsSpan(HeaderLength));
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(12), Sum(file));
        return file;
    }

    /// <summary>The content of a file.</summary>
    public static RecordCondition Unwrap(ReadOnlySpan<byte> file, out byte[] content)
    {
        content = [];
        if (file.Length < HeaderLength || !file.StartsWith(Magic))
        {
            return RecordCondition.Damaged;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(file[12..]) != Sum(file))
        {
            return RecordCondition.Damaged;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(file[8..]) != Version)
        {
            return RecordCondition.Newer;
        }

        content = file[HeaderLength..].ToArray();
        return RecordCondition.Good;
    }

    private static uint Sum(ReadOnlySpan<byte> file)
    {
        var sum = BitOperations.Crc32C(uint.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(file[8..]));
        for (file = file[HeaderLength..]; file.Length >= 8; file = file[8..])
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(file));
        }

        foreach (var one in file)
        {
            sum = BitOperations.Crc32C(sum, one);
        }

        return ~sum;
    }
}
