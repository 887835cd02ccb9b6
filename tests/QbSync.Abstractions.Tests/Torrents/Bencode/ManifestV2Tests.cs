using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Tests.Torrents.Bencode;

/// <summary>What BEP 52 adds, each promise broken once.</summary>
[DestinationCase(4)]
public sealed class ManifestV2Tests
{
    private const int Piece = 16_384;

    [Test]
    public void Parse_LayersMissing_Malformed() => AssertRefused(Rebuild((torrent, _) => torrent.Remove("piece layers")), TorrentFormatReason.Malformed);

    [Test]
    public void Parse_LayerOfOneFileMissing_Malformed() => AssertRefused(Rebuild((torrent, _) => torrent["piece layers"] = new BencodeMap()), TorrentFormatReason.Malformed);

    [Test]
    public void Parse_LayerShort_Malformed() => AssertRefused(ReplaceLayer(layer => layer[..^32]), TorrentFormatReason.Malformed);

    [Test]
    public void Parse_LayerLong_Malformed() => AssertRefused(ReplaceLayer(layer => [.. layer, .. new byte[32]]), TorrentFormatReason.Malformed);

    [Test]
    public void Parse_LayerOfAnotherRoot_Malformed() => AssertRefused(
        ReplaceLayer(layer =>
        {
            layer[17] ^= 1;
            return layer;
        }),
        TorrentFormatReason.Malformed);

    [TestCase(15)]
    [TestCase(16_383)]
    [TestCase(16_385)]
    [TestCase(49_152)]
    public void Parse_PieceLengthNoPowerOfTwoFrom16KiB_Malformed(int length) =>
        AssertRefused(Rebuild((_, info) => info["piece length"] = length), TorrentFormatReason.Malformed);

    [TestCase(false)]
    [TestCase(true)]
    public void Parse_RootWrong_Malformed(bool isZero) =>
        AssertRefused(Rebuild((_, info) => File(info, "a")["pieces root"] = isZero ? new byte[32] : new byte[31]), TorrentFormatReason.Malformed);

    [Test]
    public void Parse_RootMissing_Malformed() => AssertRefused(Rebuild((_, info) => File(info, "a").Remove("pieces root")), TorrentFormatReason.Malformed);

    [Test]
    public void Parse_PadInTree_Malformed() => AssertRefused(Rebuild((_, info) => File(info, "a")["attr"] = "p"), TorrentFormatReason.Malformed);

    [Test]
    public void Parse_FileIsFolderInTree_Malformed() =>
        AssertRefused(Rebuild((_, info) => ((BencodeMap)((BencodeMap)info["file tree"])["a"]).Add("more", new BencodeMap())), TorrentFormatReason.Malformed);

    [Test]
    public void Parse_TreeDeeperThanAllowed_TooLarge()
    {
        var torrent = new TorrentBuilder("deep") { Version = TorrentVersion.V2, PieceLength = Piece }.AddFile(string.Join('/', Enumerable.Repeat("d", 101)), 1).AddFile("a", 1);
        AssertRefused(torrent.Build().Bytes, TorrentFormatReason.TooLarge);
    }

    [Test]
    public void Parse_HybridListOfOtherLength_Inconsistent() => AssertRefused(RebuildHybrid(file => file["length"] = 39_999), TorrentFormatReason.Inconsistent);

    [Test]
    public void Parse_HybridListOfOtherName_Inconsistent() => AssertRefused(RebuildHybrid(file => file["path"] = Hostile.List("other")), TorrentFormatReason.Inconsistent);

    [Test]
    public void Parse_HybridWithoutPads_Inconsistent()
    {
        var (torrent, info) = Make(TorrentVersion.Hybrid);
        ((BencodeList)info["files"]).RemoveAll(file => ((BencodeMap)file).Remove("attr"));
        AssertRefused(Write(torrent, info), TorrentFormatReason.Inconsistent);
    }

    [Test]
    public void Parse_HybridListShorterThanTree_Inconsistent()
    {
        var (torrent, info) = Make(TorrentVersion.Hybrid);
        ((BencodeList)info["files"]).RemoveAt(2);
        AssertRefused(Write(torrent, info), TorrentFormatReason.Inconsistent);
    }

    [Test]
    public void Parse_HybridSingleOfOtherName_Inconsistent()
    {
        var single = new TorrentBuilder("one") { Version = TorrentVersion.Hybrid, PieceLength = Piece }.Build().Bytes;
        var text = System.Text.Encoding.Latin1.GetString(single).Replace("4:name3:one", "4:name3:two", StringComparison.Ordinal);
        AssertRefused(System.Text.Encoding.Latin1.GetBytes(text), TorrentFormatReason.Inconsistent);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Parse_HybridWithAndWithoutTailPad_SameFiles(bool hasTailPad)
    {
        var manifest = new TorrentBuilder("t") { Version = TorrentVersion.Hybrid, PieceLength = Piece, WithTailPad = hasTailPad }.AddFile("a", 40_000).AddFile("b", 1).Build().Manifest;
        Assert.Multiple(() =>
        {
            Assert.That(manifest.Files.Count(file => file.IsReal), Is.EqualTo(2));
            Assert.That(manifest.PieceCount, Is.EqualTo(4));
            Assert.That(manifest.GetPieceLength(3), Is.EqualTo(hasTailPad ? Piece : 1));
            Assert.That(manifest.GetPieceHash(3).MerkleBytes, Is.EqualTo(1));
        });
    }

    [Test]
    public void Parse_ManyFilesShareALayer_ItIsKeptOnce()
    {
        var (torrent, info) = Make(TorrentVersion.V2);
        var tree = (BencodeMap)info["file tree"];
        for (var i = 0; i < 200; i++)
        {
            tree.Add($"copy{i}", tree["a"]);
        }

        var manifest = TorrentManifest.Parse(Write(torrent, info));
        Assert.That(manifest.PieceCount, Is.EqualTo(201 * 3 + 1));
        Assert.That(manifest.GetPieceHash(manifest.PieceCount - 1).MerkleRoot.ToArray(), Is.EqualTo(manifest.GetPieceHash(2).MerkleRoot.ToArray()));
    }

    [Test]
    public void Parse_SingleFileOfTree_HasNoFolder_AndTwoDo()
    {
        Assert.That(new TorrentBuilder("x") { Version = TorrentVersion.V2, PieceLength = Piece, Length = 5 }.Build().Manifest.Files[0].Path, Is.EqualTo((string[])["x"]));
        Assert.That(new TorrentBuilder("x") { Version = TorrentVersion.V2, PieceLength = Piece }.AddFile("f/x", 5).Build().Manifest.Files[0].Path, Is.EqualTo((string[])["x", "f", "x"]));
    }

    private static (BencodeMap Torrent, BencodeMap Info) Make(TorrentVersion version)
    {
        var builder = new TorrentBuilder("two") { Version = version, PieceLength = Piece }.AddFile("a", 40_000).AddFile("b", 100);
        var torrent = builder.BuildMap();
        return (torrent, (BencodeMap)torrent["info"]);
    }

    private static byte[] Rebuild(Action<BencodeMap, BencodeMap> change)
    {
        var (torrent, info) = Make(TorrentVersion.V2);
        change(torrent, info);
        return Write(torrent, info);
    }

    private static byte[] RebuildHybrid(Action<BencodeMap> changeFirst)
    {
        var (torrent, info) = Make(TorrentVersion.Hybrid);
        changeFirst((BencodeMap)((BencodeList)info["files"])[0]);
        return Write(torrent, info);
    }

    private static byte[] ReplaceLayer(Func<byte[], byte[]> change) => Rebuild((torrent, _) =>
    {
        var (root, layer) = ((BencodeMap)torrent["piece layers"]).InOrder().Single();
        torrent["piece layers"] = new BencodeMap { { root, change((byte[])layer) } };
    });

    private static BencodeMap File(BencodeMap info, string name) => (BencodeMap)((BencodeMap)((BencodeMap)info["file tree"])[name])[""];

    private static byte[] Write(BencodeMap torrent, BencodeMap info)
    {
        torrent["info"] = info;
        return BencodeWriter.Write(torrent);
    }

    private static void AssertRefused(byte[] torrent, TorrentFormatReason reason) => Assert.That(
        () => TorrentManifest.Parse(torrent),
        Throws.TypeOf<TorrentFormatException>().With.Property(nameof(TorrentFormatException.Reason)).EqualTo(reason));
}
