using System.Security.Cryptography;

namespace QbSync.Tests.Torrents;

/// <summary>BEP 52's tree as the text says it, whole and in memory.</summary>
internal static class NaiveMerkle
{
    public static byte[] Root(ReadOnlySpan<byte> bytes, int leaves)
    {
        var level = new List<byte[]>();
        for (var offset = 0; offset < bytes.Length; offset += 16 * 1024)
        {
            level.Add(SHA256.HashData(bytes.Slice(offset, Math.Min(16 * 1024, bytes.Length - offset))));
        }

        while (level.Count < leaves)
        {
            level.Add(new byte[32]);
        }

        return Root(level);
    }

    public static byte[] Root(IReadOnlyList<byte[]> level) =>
        level.Count == 1 ? level[0] : Root([.. level.Chunk(2).Select(pair => SHA256.HashData([.. pair[0], .. pair[1]]))]);
}
