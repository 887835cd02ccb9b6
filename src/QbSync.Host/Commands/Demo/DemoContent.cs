using System.Runtime.InteropServices;

namespace QbSync.Host.Commands.Demo;

/// <summary>Bytes that look random and can be made again from a seed, at any offset: each 8 bytes are a mix of the seed and their place (SplitMix64).</summary>
internal readonly record struct DemoContent(ulong Seed)
{
    /// <summary>Fills <paramref name="destination"/> with the bytes at <paramref name="offset"/>, a multiple of 8.</summary>
    public void Fill(long offset, Span<byte> destination)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(destination);
        var place = (ulong)(offset / 8);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = Mix(Seed + (place + (ulong)i + 1) * 0x9E3779B97F4A7C15);
        }

        for (var i = words.Length * 8; i < destination.Length; i++)
        {
            destination[i] = (byte)Mix(Seed ^ (ulong)(offset + i));
        }
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
