using CsCheck;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents;

public sealed class MerkleTreeTests
{
    [Test]
    public void FoldRoot_AnyCount_EqualsTheWholeTree() => Gen.Select(Gen.Int[0, 6], Gen.Int[0, 64], Gen.Int).Sample(
        (exponent, count, seed) =>
        {
            var leaves = 1 << exponent;
            count = Math.Min(count, leaves);
            var hashes = Hashes(count, seed);
            var expected = NaiveMerkle.Root([.. hashes, .. Enumerable.Repeat(new byte[32], leaves - count)]);
            return Fold(hashes, leaves, default).SequenceEqual(expected);
        },
        iter: 500);

    [Test]
    public void FoldRoot_OfPieceLayer_EqualsRootOverBlocks() => Gen.Select(Gen.Int[0, 3], Gen.Int[1, 70], Gen.Int).Sample(
        (exponent, blocks, seed) =>
        {
            var perPiece = 1 << exponent;
            var hashes = Hashes(blocks, seed);
            var layer = hashes.Chunk(perPiece).Select(piece => Fold(piece, perPiece, default)).ToArray();
            var leaves = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(blocks, perPiece));
            var filler = Fold([], perPiece, default);
            var root = Fold(layer, leaves / perPiece, filler);
            return root.SequenceEqual(NaiveMerkle.Root([.. hashes, .. Enumerable.Repeat(new byte[32], leaves - blocks)]));
        },
        iter: 500);

    private static byte[][] Hashes(int count, int seed)
    {
        var random = new Random(seed);
        var hashes = new byte[count][];
        for (var i = 0; i < count; i++)
        {
            hashes[i] = new byte[32];
            random.NextBytes(hashes[i]);
        }

        return hashes;
    }

    private static byte[] Fold(byte[][] hashes, int leaves, byte[]? filler)
    {
        var root = new byte[32];
        MerkleTree.FoldRoot(hashes.SelectMany(hash => hash).ToArray(), leaves, root, filler);
        return root;
    }
}
