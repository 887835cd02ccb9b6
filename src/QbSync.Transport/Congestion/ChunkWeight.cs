namespace QbSync.Transport.Congestion;

/// <summary>What a chunk counts in windows, reports, credit and budget. Both ends must reckon alike.</summary>
internal static class ChunkWeight
{
    /// <summary>A tiny chunk costs a message, too, so none weighs less.</summary>
    public const int Least = 4 * 1024;

    public static int Of(int payload) => Math.Max(payload, Least);
}
