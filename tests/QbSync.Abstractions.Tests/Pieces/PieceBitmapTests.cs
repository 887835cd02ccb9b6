using CsCheck;
using QbSync.Pieces;

namespace QbSync.Tests.Pieces;

public sealed class PieceBitmapTests
{
    [Test]
    public void Bitmap_ModelBased() => Gen.Select(Gen.Int[0, 200], Gen.Select(Gen.Int[0, 6], Gen.Int[0, 199], Gen.Int[0, int.MaxValue]).Array[0, 60]).Sample(
        (length, operations) =>
        {
            var bits = new PieceBitmap(length);
            var model = new HashSet<int>();
            foreach (var (kind, index, seed) in operations)
            {
                var (other, otherModel) = Make(length, seed);
                var ok = kind switch
                {
                    0 when index < length => bits.Set(index) == model.Add(index),
                    1 when index < length => bits.Clear(index) == model.Remove(index),
                    2 => Do(bits.SetComplement, () => model = [.. Enumerable.Range(0, length).Except(model)]),
                    3 => Do(bits.SetAll, () => model = [.. Enumerable.Range(0, length)]),
                    4 => Do(() => bits.Or(other), () => model.UnionWith(otherModel)),
                    5 => Do(() => bits.Except(other), () => model.ExceptWith(otherModel)),
                    _ => bits.CountAnd(other) == model.Count(otherModel.Contains) && bits.Contains(other) == otherModel.IsSubsetOf(model),
                };
                if (!ok || !IsEqual(bits, model))
                {
                    return false;
                }
            }

            return true;
        },
        iter: 1000);

    [Test]
    public void TryFromBytes_OfToBytes_IsEqual() => Gen.Select(Gen.Int[0, 300], Gen.Int).Sample(
        (length, seed) =>
        {
            var (bits, model) = Make(length, seed);
            var bytes = bits.ToBytes();
            return bytes.Length == (length + 7) / 8
                && PieceBitmap.TryFromBytes(bytes, length, out var read)
                && read.ContentEquals(bits)
                && IsEqual(read, model)
                && model.All(i => (bytes[i / 8] & (0x80 >> (i % 8))) != 0);
        },
        iter: 1000);

    [Test]
    public void TryFromBytes_OtherLength_False() => Gen.Select(Gen.Int[0, 300], Gen.Int[0, 300], Gen.Int).Sample(
        (length, claimed, seed) =>
        {
            var (bits, _) = Make(length, seed);
            var isRead = PieceBitmap.TryFromBytes(bits.ToBytes(), claimed, out var read);
            return (length + 7) / 8 == (claimed + 7) / 8 || (!isRead && read is null);
        },
        iter: 1000);

    [TestCase(1, 0x40)]
    [TestCase(7, 0x01)]
    [TestCase(9, 0x01)]
    public void TryFromBytes_SpareBitSet_False(int length, byte last)
    {
        var bytes = new byte[(length + 7) / 8];
        bytes[^1] = last;
        Assert.That(PieceBitmap.TryFromBytes(bytes, length, out _), Is.False);
    }

    [Test]
    public void TryFromBytes_NegativeLength_False() => Assert.That(PieceBitmap.TryFromBytes([], -1, out _), Is.False);

    [Test]
    public void Clone_Changed_LeavesTheOriginal()
    {
        var bits = new PieceBitmap(10);
        bits.Clone().SetAll();
        Assert.That(bits.Count, Is.Zero);
    }

    [TestCase(-1)]
    [TestCase(10)]
    public void Index_OutOfRange_ArgumentError(int index)
    {
        var bits = new PieceBitmap(10);
        Assert.Multiple(() =>
        {
            Assert.That(() => bits[index], Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => bits.Set(index), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => bits.Clear(index), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }

    [Test]
    public void Combine_OtherLength_ArgumentError()
    {
        var bits = new PieceBitmap(10);
        var other = new PieceBitmap(11);
        Assert.Multiple(() =>
        {
            Assert.That(() => bits.Or(other), Throws.ArgumentException);
            Assert.That(() => bits.Except(other), Throws.ArgumentException);
            Assert.That(() => bits.CountAnd(other), Throws.ArgumentException);
        });
    }

    private static bool Do(Action act, Action onModel)
    {
        act();
        onModel();
        return true;
    }

    private static (PieceBitmap Bits, HashSet<int> Model) Make(int length, int seed)
    {
        var random = new Random(seed);
        var bits = new PieceBitmap(length);
        var model = new HashSet<int>();
        for (var i = 0; i < length; i++)
        {
            if (random.Next(3) == 0)
            {
                bits.Set(i);
                model.Add(i);
            }
        }

        return (bits, model);
    }

    private static bool IsEqual(PieceBitmap bits, HashSet<int> model)
    {
        var set = new List<int>();
        for (var i = bits.NextSet(0); i >= 0; i = bits.NextSet(i + 1))
        {
            set.Add(i);
        }

        var clear = new List<int>();
        for (var i = bits.NextClear(0); i >= 0; i = bits.NextClear(i + 1))
        {
            clear.Add(i);
        }

        return bits.Count == model.Count
            && bits.IsFull == (model.Count == bits.Length)
            && set.SequenceEqual(model.Order())
            && clear.SequenceEqual(Enumerable.Range(0, bits.Length).Except(model))
            && Enumerable.Range(0, bits.Length).All(i => bits[i] == model.Contains(i));
    }
}
