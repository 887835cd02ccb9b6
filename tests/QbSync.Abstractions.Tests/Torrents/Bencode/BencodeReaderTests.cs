using System.Text;
using CsCheck;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;
using QbSync.Torrents.Bencode;

namespace QbSync.Tests.Torrents.Bencode;

[DestinationCase(3)]
public sealed class BencodeReaderTests
{
    private static readonly Gen<object> Value = Gen.Recursive<object>((depth, value) =>
    {
        Gen<object> integer = Gen.Long.Select(number => (object)(number / 11));
        Gen<object> bytes = Gen.Byte.Array[0, 40].Select(array => (object)array);
        if (depth > 4)
        {
            return Gen.OneOf(integer, bytes);
        }

        Gen<object> list = value.List[0, 5].Select(items =>
        {
            var all = new BencodeList();
            all.AddRange(items);
            return (object)all;
        });
        Gen<object> map = Gen.Select(Gen.String[0, 6], value).List[0, 5].Select(items =>
        {
            var all = new BencodeMap { IsSorted = false };
            items.ForEach(item => all.Add(item.Item1, item.Item2));
            return (object)all;
        });
        return Gen.OneOf(integer, bytes, list, map);
    });

    [Test]
    public void Bencode_RoundTrip() => Value.Sample(
        value =>
        {
            var written = BencodeWriter.Write(value);
            BencodeStructure.Check(written, ManifestLimits.Default);
            var reader = new BencodeReader(written);
            var read = BencodeWriter.Write(Read(ref reader, written));
            return reader.Position == written.Length && read.AsSpan().SequenceEqual(written);
        },
        iter: 1000);

    [Test]
    public void Bencode_AnyBytes_ValueOrTorrentFormatException() => Gen.OneOf(
        Gen.Byte.Array[0, 60],
        Gen.OneOf("i", "l", "d", "e", "1:", "2:ab", "-", "9999999999:", "i1e", "0:").Array[0, 30].Select(parts => Encoding.ASCII.GetBytes(string.Concat(parts)))).Sample(
        bytes =>
        {
            try
            {
                BencodeStructure.Check(bytes, ManifestLimits.Default);
            }
            catch (TorrentFormatException)
            {
                return true;
            }

            // What passes the check is walked without a fault.
            var reader = new BencodeReader(bytes);
            reader.Skip();
            return reader.Position <= bytes.Length;
        },
        iter: 5000);

    [TestCase("")]
    [TestCase("i")]
    [TestCase("ie")]
    [TestCase("i-e")]
    [TestCase("i1-2e")]
    [TestCase("i12")]
    [TestCase("5:abc")]
    [TestCase("2147483648:abc")]
    [TestCase("99999999999999999999999:abc")]
    [TestCase("3abc")]
    [TestCase("l")]
    [TestCase("li1e")]
    [TestCase("d")]
    [TestCase("d1:ae")]
    [TestCase("di1ei2ee")]
    [TestCase("e")]
    [TestCase("x")]
    public void Check_Broken_Malformed(string text) => Assert.That(
        () => BencodeStructure.Check(Encoding.ASCII.GetBytes(text), ManifestLimits.Default),
        Throws.TypeOf<TorrentFormatException>().With.Property(nameof(TorrentFormatException.Reason)).EqualTo(TorrentFormatReason.Malformed));

    [TestCase("i0e", 0)]
    [TestCase("i-0e", 0)]
    [TestCase("i007e", 7)]
    [TestCase("i-12e", -12)]
    [TestCase("i922337203685477579e", 922337203685477579)]
    public void ReadInteger_AnyForm_Value(string text, long value) =>
        Assert.That(new BencodeReader(Encoding.ASCII.GetBytes(text)).ReadInteger(), Is.EqualTo(value));

    [TestCase("i9223372036854775808e")]
    [TestCase("i-99999999999999999999999e")]
    public void ReadInteger_OutOfRange_Malformed(string text) =>
        Assert.That(() => new BencodeReader(Encoding.ASCII.GetBytes(text)).ReadInteger(), Throws.TypeOf<TorrentFormatException>());

    [TestCase(100, false)]
    [TestCase(101, true)]
    public void Check_Nesting_LimitHolds(int depth, bool isRefused)
    {
        var bytes = Encoding.ASCII.GetBytes(new string('l', depth) + new string('e', depth));
        Assert.That(
            () => BencodeStructure.Check(bytes, ManifestLimits.Default),
            isRefused ? Throws.TypeOf<TorrentFormatException>().With.Property(nameof(TorrentFormatException.Reason)).EqualTo(TorrentFormatReason.TooLarge) : Throws.Nothing);
    }

    [Test]
    public void Check_MoreTokensThanAllowed_TooLarge() => Assert.That(
        () => BencodeStructure.Check(Encoding.ASCII.GetBytes($"l{string.Concat(Enumerable.Repeat("0:", 50))}e"), new ManifestLimits { MaxTokens = 50 }),
        Throws.TypeOf<TorrentFormatException>().With.Property(nameof(TorrentFormatException.Reason)).EqualTo(TorrentFormatReason.TooLarge));

    [Test]
    public void Check_MillionDeep_NoStackOverflow() => Assert.That(
        () => BencodeStructure.Check(Encoding.ASCII.GetBytes(new string('d', 1_000_000)), ManifestLimits.Default with { MaxDepth = int.MaxValue }),
        Throws.TypeOf<TorrentFormatException>());

    [Test]
    public void ReadBytes_ClaimedTwoGiB_NothingAllocated()
    {
        var bytes = "2147483647:abc"u8.ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => new BencodeReader(bytes).ReadBytes(), Throws.TypeOf<TorrentFormatException>());
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    private static object Read(ref BencodeReader reader, byte[] data)
    {
        switch (reader.Kind)
        {
            case BencodeKind.Integer:
                return reader.ReadInteger();
            case BencodeKind.Bytes:
                return data[reader.ReadBytes()];
            case BencodeKind.List:
                var list = new BencodeList();
                reader.Enter(BencodeKind.List);
                while (!reader.TryLeave())
                {
                    list.Add(Read(ref reader, data));
                }

                return list;
            default:
                var map = new BencodeMap { IsSorted = false };
                reader.Enter(BencodeKind.Dictionary);
                while (!reader.TryLeave())
                {
                    map.Add(data[reader.ReadBytes()], Read(ref reader, data));
                }

                return map;
        }
    }
}
