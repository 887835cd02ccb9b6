using System.Security.Cryptography;

namespace QbSync.Torrents;

/// <summary>The SHA-256 tree of BEP 52: leaves are hashes of 16 KiB blocks, missing leaves are 32 zero bytes.</summary>
public static class MerkleTree
{
    /// <summary>Bytes of a leaf's block.</summary>
    public const int BlockLength = 16 * 1024;

    /// <summary>
    /// Folds <paramref name="hashes"/> (32 bytes each, at most <paramref name="leaves"/>) to the root, in place; missing ones count as
    /// <paramref name="filler"/>, or zeros where it is empty.
    /// </summary>
    /// <param name="hashes">Used as working space; its content is lost.</param>
    /// <param name="leaves">A power of two.</param>
    /// <param name="root">Receives 32 bytes.</param>
    /// <param name="filler">The hash of a missing node of this level: zeros for blocks, the root of an all-zero-leaf subtree for a piece layer.</param>
    public static void FoldRoot(Span<byte> hashes, int leaves, Span<byte> root, ReadOnlySpan<byte> filler = default)
    {
        Span<byte> missing = stackalloc byte[32];
        missing.Clear();
        filler.CopyTo(missing);
        Span<byte> pair = stackalloc byte[64];
        var count = hashes.Length / 32;
        for (; leaves > 1; leaves /= 2)
        {
            var parents = (count + 1) / 2;
            for (var i = 0; i < parents; i++)
            {
                hashes.Slice(i * 64, 32).CopyTo(pair);
                if (i * 2 + 1 < count)
                {
                    hashes.Slice(i * 64 + 32, 32).CopyTo(pair[32..]);
                }
                else
                {
                    missing.CopyTo(pair[32..]);
                }

                SHA256.HashData(pair, hashes.Slice(i * 32, 32));
            }

            missing.CopyTo(pair);
            missing.CopyTo(pair[32..]);
            SHA256.HashData(pair, missing);
            count = parents;
        }

        if (count == 0)
        {
            missing.CopyTo(root);
        }
        else
        {
            hashes[..32].CopyTo(root);
        }
    }
}
