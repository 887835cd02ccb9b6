using System.Numerics;

namespace QbSync.Transport.Congestion;

/// <summary>
/// How large chunks are: large on a fast way, where each message costs; small on a slow one, where a chunk holds up all that is behind it.
/// </summary>
internal static class ChunkSizing
{
    public const int Smallest = 64 * 1024;
    public const int Largest = 1024 * 1024;

    /// <summary>Before anything was measured; a long way is taken for a slow one.</summary>
    public static int First(TimeSpan? roundTrip) => roundTrip >= TimeSpan.FromMilliseconds(20) ? 128 * 1024 : 256 * 1024;

    /// <summary>The power of two that takes at most a quarter of a round trip, which counts as 5 to 50 ms.</summary>
    public static int For(double bytesPerSecond, TimeSpan? roundTrip)
    {
        if (bytesPerSecond <= 0)
        {
            return First(roundTrip);
        }

        var quarter = Math.Clamp((roundTrip?.TotalSeconds ?? 0) / 4, 0.005, 0.050);
        var bytes = (uint)Math.Clamp(bytesPerSecond * quarter, Smallest, Largest);
        return 1 << BitOperations.Log2(bytes);
    }

    /// <summary>A limited link sends small chunks, so that the limit holds over short times, too.</summary>
    public static int Limited(int size, long bytesPerSecond) => bytesPerSecond <= 0
        ? size
        : (int)Math.Min(size, Math.Max(16 * 1024, bytesPerSecond / 10));
}
