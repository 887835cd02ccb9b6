using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace QbSync.Testing.Torrents;

/// <summary>Bytes that are a function of a seed, a file and an offset: any part of any file can be had again without keeping it.</summary>
public readonly record struct TorrentContent(int Seed, int File)
{
    public void Read(long offset, Span<byte> destination)
    {
        var key = Mix(((ulong)(uint)Seed << 32) | (uint)File);
        var word = (ulong)(offset >> 3);
        var skip = (int)(offset & 7);
        if (skip > 0)
        {
            Span<byte> first = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(first, Mix(key + word++));
            var part = first[skip..Math.Min(8, skip + destination.Length)];
            part.CopyTo(destination);
            destination = destination[part.Length..];
        }

        foreach (ref var value in MemoryMarshal.Cast<byte, ulong>(destination))
        {
            value = Mix(key + word++);
        }

        if ((destination.Length & 7) > 0)
        {
            Span<byte> last = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(last, Mix(key + word));
            last[..(destination.Length & 7)].CopyTo(destination[(destination.Length & ~7)..]);
        }
    }

    // The finaliser of SplitMix64: every input bit reaches every output bit.
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
