using System.Security.Cryptography;
using CsCheck;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents.Bencode;

[DestinationCase(3)]
public sealed class ManifestParserTests
{
    private static readonly byte[][] Seeds =
    [
        new TorrentBuilder("single") { PieceLength = 16_384, Length = 40_000 }.Build().Bytes,
        new TorrentBuilder("hybrid") { PieceLength = 16_384, Version = TorrentVersion.Hybrid }.AddFile("a", 40_000).AddFile("b/c", 100).AddFile("d", 0).Build().Bytes,
        new TorrentBuilder("v2") { PieceLength = 16_384, Version = TorrentVersion.V2 }.AddFile("a", 40_000).AddFile("b/c", 100).Build().Bytes,
        Hostile.Torrent(Hostile.MultiInfo(Hostile.File(3, "a", "b"), Hostile.File(0, "c"))),
    ];

    [Test]
    public void Parse_MutatedTorrent_ManifestOrTorrentFormatException() => Gen.Select(
        Gen.Int[0, Seeds.Length - 1],
        Gen.Select(Gen.Int[0, 100_000], Gen.Int[0, 3], Gen.OneOf("i-1e", "9", "e", "d", "l", "0:", "i99999999999999999999e", "2147483647:", "i4611686018427387904e", "\0")).Array[1, 6]).Sample(
        (seed, changes) =>
        {
            var bytes = Seeds[seed].ToList();
            foreach (var (place, kind, insert) in changes)
            {
                var at = bytes.Count == 0 ? 0 : place % bytes.Count;
                switch (kind)
                {
                    case 0 when bytes.Count > 0:
                        bytes[at] ^= (byte)(1 << (place & 7));
                        break;
                    case 1:
                        bytes.InsertRange(at, insert.Select(character => (byte)character));
                        break;
                    case 2:
                        bytes.RemoveRange(at, Math.Min(bytes.Count - at, place % 40));
                        break;
                    default:
                        bytes.RemoveRange(at, bytes.Count - at);
                        break;
                }
            }

            try
            {
                var manifest = TorrentManifest.Parse(bytes.ToArray());
                for (var piece = 0; piece < manifest.PieceCount; piece++)
                {
                    manifest.GetPieceHash(piece);
                    manifest.GetPieceLength(piece);
                }

                return true;
            }
            catch (TorrentFormatException)
            {
                return true;
            }
        },
        iter: 5000);

    [Test]
    public void Parse_CutAtEachByte_TorrentFormatException()
    {
        foreach (var seed in Seeds)
        {
            for (var length = 0; length < seed.Length; length++)
            {
                Assert.That(() => TorrentManifest.Parse(seed.AsMemory(0, length)), Throws.TypeOf<TorrentFormatException>());
            }
        }
    }

    [Test]
    [DestinationCase(2)]
    public void InfoHash_IsOfRawBytes() => Gen.Select(Gen.Bool, Gen.Bool, Gen.OneOf("i20000e", "i020000e", "i0000020000e"), Gen.Int[0, 5]).Sample(
        (isSorted, hasDuplicates, length, extra) =>
        {
            var info = new BencodeMap { IsSorted = isSorted };
            if (extra > 2)
            {
                info.Add("zz extra", extra);
            }

            info.Add("pieces", new byte[40]);
            info.Add("name", "first");
            info.Add("length", new BencodeRaw(length));
            if (hasDuplicates)
            {
                info.Add("name", "second");
                info.Add("length", 7);
            }

            info.Add("piece length", 16_384);
            var raw = BencodeWriter.Write(info);
            var manifest = TorrentManifest.Parse(BencodeWriter.Write(new BencodeMap { { "announce", "x" }, { "info", new BencodeRaw(raw) } }));
            return manifest.V1 == InfoHash.FromBytes(SHA1.HashData(raw)) && manifest is { Name: "first", ContentLength: 20_000 };
        },
        iter: 200);

    [Test]
    public void Parse_TrailingBytes_AreNotLookedAt() =>
        Assert.That(TorrentManifest.Parse((byte[])[.. Seeds[0], (byte)'\n', 0xff]).Id, Is.EqualTo(TorrentManifest.Parse(Seeds[0]).Id));

    [TestCase("i4e")]
    [TestCase("le")]
    [TestCase("de")]
    [TestCase("d4:infoi1ee")]
    [TestCase("d4:infolee")]
    [TestCase("d4:infodee")]
    [TestCase("4:spam")]
    public void Parse_NoInfo_Malformed(string text) => AssertMalformed(System.Text.Encoding.ASCII.GetBytes(text));

    [TestCase("name")]
    [TestCase("piece length")]
    [TestCase("pieces")]
    [TestCase("length")]
    public void Parse_FieldMissingOrMistyped_Malformed(string field)
    {
        var info = Hostile.SingleInfo();
        info[field] = new BencodeRaw("le");
        AssertMalformed(Hostile.Torrent(info));
        info.Remove(field);
        AssertMalformed(Hostile.Torrent(info));
    }

    [TestCase("length", "i-1e")]
    [TestCase("length", "i-9223372036854775807e")]
    [TestCase("piece length", "i0e")]
    [TestCase("piece length", "i-16384e")]
    [TestCase("length", "i9223372036854775808e")]
    [TestCase("meta version", "i2e")]
    [TestCase("pieces", "19:aaaaaaaaaaaaaaaaaaa")]
    [TestCase("pieces", "0:")]
    [TestCase("pieces", "60:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [TestCase("files", "le")]
    [TestCase("files", "li1ee")]
    [TestCase("files", "ldee")]
    [TestCase("files", "ld6:lengthi1e4:pathleee")]
    [TestCase("files", "ld6:lengthi1e4:pathli1eeee")]
    [TestCase("files", "ld6:lengthi-1e4:pathl1:aeee")]
    [TestCase("file tree", "de")]
    public void Parse_FieldWrong_Malformed(string field, string value)
    {
        var info = Hostile.SingleInfo();
        info[field] = new BencodeRaw(value);
        AssertMalformed(Hostile.Torrent(info));
    }

    [TestCase("length", "i281474976710656e")]
    [TestCase("length", "i4611686018427387904e")]
    [TestCase("length", "i281474976710655e")]
    [TestCase("piece length", "i536854529e")]
    [TestCase("piece length", "i9000000000000e")]
    [TestCase("files", "ld6:lengthi281474976710655e4:pathl1:aeed6:lengthi281474976710655e4:pathl1:beee")]
    public void Parse_NumberBeyondLimit_TooLarge(string field, string value)
    {
        var info = Hostile.SingleInfo();
        info[field] = new BencodeRaw(value);
        AssertRefused(Hostile.Torrent(info), TorrentFormatReason.TooLarge);
    }

    [Test]
    public void Parse_BeyondLimitOfOptions_TooLarge([Values(0, 1, 2)] int limit)
    {
        ManifestLimits[] limits = [new() { MaxBytes = 100 }, new() { MaxFiles = 1 }, new() { MaxPieces = 2 }];
        var torrent = new TorrentBuilder("x") { PieceLength = 16_384 }.AddFile("a", 20_000).AddFile("b", 20_000).Build().Bytes;
        Assert.That(
            () => TorrentManifest.Parse(torrent, limits[limit]),
            Throws.TypeOf<TorrentFormatException>().With.Property(nameof(TorrentFormatException.Reason)).EqualTo(TorrentFormatReason.TooLarge));
    }

    [Test]
    public void Parse_HugeLengthInSmallTorrent_AllocatesLittle()
    {
        var info = Hostile.SingleInfo();
        info["length"] = (1L << 48) - 1;
        info["piece length"] = 1;
        var torrent = Hostile.Torrent(info);
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(torrent, TorrentFormatReason.TooLarge);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    [Test]
    public void Parse_MetaVersionThree_Unsupported()
    {
        var info = Hostile.SingleInfo();
        info["meta version"] = 3;
        AssertRefused(Hostile.Torrent(info), TorrentFormatReason.Unsupported);
    }

    [Test]
    [DestinationCase(2)]
    public void Parse_PadFiles_ByAttributeAndByName()
    {
        var pad = Hostile.File(16_284, ".pad", "x");
        pad["attr"] = "xp";
        var manifest = Hostile.Parse(Hostile.MultiInfo(Hostile.File(100, "a"), pad, Hostile.File(16_383, "b"), Hostile.File(1, "_____padding_file_0_____"), Hostile.File(5, "c")));
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Files.Select(file => file.IsPad), Is.EqualTo((bool[])[false, true, false, true, false]));
            Assert.That(manifest.Files.Select(file => file.Offset), Is.EqualTo((long[])[0, 100, 16_384, 32_767, 32_768]));
            Assert.That(manifest.ContentLength, Is.EqualTo(100 + 16_383 + 5));
        });
    }

    [Test]
    public void Parse_Symlink_HoldsNoBytes()
    {
        var link = Hostile.File(0, "link");
        link["attr"] = "l";
        link["length"] = -5;
        link["symlink path"] = Hostile.List("a");
        var manifest = Hostile.Parse(Hostile.MultiInfo(link, Hostile.File(100, "a")));
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Files[0].IsSymlink, Is.True);
            Assert.That(manifest.Files[0].Length, Is.Zero);
            Assert.That(manifest.Files[1].Offset, Is.Zero);
            Assert.That(Selection.All(manifest).SelectedCount, Is.EqualTo(1));
        });
    }

    private static void AssertMalformed(byte[] torrent) => AssertRefused(torrent, TorrentFormatReason.Malformed);

    private static void AssertRefused(byte[] torrent, TorrentFormatReason reason) => Assert.That(
        () => TorrentManifest.Parse(torrent),
        Throws.TypeOf<TorrentFormatException>().With.Property(nameof(TorrentFormatException.Reason)).EqualTo(reason));
}
