using CsCheck;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents;

public sealed class InfoHashTests
{
    private static readonly Gen<byte[]> Bytes = Gen.OneOf(20, 32).SelectMany(length => Gen.Byte.Array[length]);

    [Test]
    public void InfoHash_BytesAndText_RoundTrip() => Bytes.Sample(bytes =>
    {
        var hash = InfoHash.FromBytes(bytes);
        return hash.ToArray().SequenceEqual(bytes)
            && hash.Length == bytes.Length
            && hash.ToString() == Convert.ToHexStringLower(bytes)
            && InfoHash.Parse(hash.ToString()) == hash
            && InfoHash.Parse(hash.ToString().ToUpperInvariant()) == hash
            && hash.Truncated.ToArray().SequenceEqual(bytes[..20]);
    });

    [Test]
    public void InfoHash_OneBitOther_NotEqual() => Gen.Select(Bytes, Gen.Int[0, 159]).Sample((bytes, bit) =>
    {
        var hash = InfoHash.FromBytes(bytes);
        bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        return InfoHash.FromBytes(bytes) != hash;
    });

    [Test]
    public void InfoHash_TruncatedAndPaddedV2_DifferFromV1()
    {
        var v1 = InfoHash.FromBytes(new byte[20]);
        var v2 = InfoHash.FromBytes(new byte[32]);
        Assert.Multiple(() =>
        {
            Assert.That(v1, Is.Not.EqualTo(v2));
            Assert.That(v2.Truncated, Is.EqualTo(v1));
            Assert.That(InfoHash.None, Is.Not.EqualTo(v1));
            Assert.That(InfoHash.None.Length, Is.Zero);
        });
    }

    [Test]
    public void TryFromBytes_OtherLength_False() => Gen.Byte.Array[0, 64].Where(bytes => bytes.Length is not (20 or 32)).Sample(bytes =>
        !InfoHash.TryFromBytes(bytes, out var hash) && hash == InfoHash.None);

    [TestCase(null)]
    [TestCase("")]
    [TestCase("..")]
    [TestCase("zz00000000000000000000000000000000000000")]
    [TestCase("0000000000000000000000000000000000000é0")]
    [TestCase("000000000000000000000000000000000000000")]
    [TestCase("00000000000000000000000000000000000000000")]
    public void TryParse_NoHash_False(string? text) => Assert.That(InfoHash.TryParse(text, out _), Is.False);
}
