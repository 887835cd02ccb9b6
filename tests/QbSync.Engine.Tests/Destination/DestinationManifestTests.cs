using System.Security.Cryptography;
using QbSync.Engine.Tests.Destination.Kit;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Destination;

/// <summary>Torrents whose manifest cannot be taken: the answer says why, and nothing of them is on the disk.</summary>
public sealed class DestinationManifestTests
{
    private const int Piece = 16 * 1024;

    [Test]
    [DestinationCase(8)]
    public async Task Init_NamesThatFoldTogether_IsInvalidAndNamesBoth()
    {
        var refusal = await RefuseAsync(new TorrentBuilder("n") { PieceLength = Piece }.AddFile("caf\u00e9.txt", 5).AddFile("cafe\u0301.txt", 5).BuildMap());
        Assert.That(refusal.Reason, Is.EqualTo(RefusalReason.InvalidTorrent));
        Assert.That(refusal.Detail, Does.Contain("caf\u00e9.txt").And.Contain("cafe\u0301.txt"));
    }

    [Test]
    [DestinationCase(8)]
    public async Task Init_NamesThatDifferInCase_AreNamedAsTheClientNamesThem()
    {
        await using var rig = new DestinationRig();
        var torrent = new TorrentBuilder("docs") { PieceLength = Piece }.AddFile("README", 5).AddFile("readme", 7).AddFile("ReadMe.txt", 9).AddFile("readme.TXT", 11).Build();
        var init = DestinationRig.MakeInit(torrent);
        Assert.That(await rig.SyncAsync(torrent, init), Is.InstanceOf<FinalizeOutcome.Complete>());
        var expected = new[] { "docs/README", "docs/ReadMe.txt", "docs/readme.1", "docs/readme.1.TXT" };
        Assert.That(torrent.Manifest.Files.Select(static file => PathRules.Join(file.Path)).Order(StringComparer.Ordinal), Is.EqualTo(expected.Order(StringComparer.Ordinal)));
    }

    [Test]
    [DestinationCase(4)]
    public async Task Init_HybridWhoseListsDiffer_IsInconsistent()
    {
        var map = new TorrentBuilder("h") { PieceLength = Piece, Version = TorrentVersion.Hybrid }.AddFile("a", 100).AddFile("b", 100).BuildMap();
        ((BencodeMap)((BencodeList)((BencodeMap)map["info"])["files"])[0])["length"] = 99;
        Assert.That((await RefuseAsync(map)).Reason, Is.EqualTo(RefusalReason.TorrentInconsistent));
    }

    [Test]
    [DestinationCase(4)]
    public async Task Init_WithoutItsPieceLayers_IsInvalid()
    {
        var map = new TorrentBuilder("h") { PieceLength = Piece, Version = TorrentVersion.Hybrid }.AddFile("a", 100_000).BuildMap();
        map.Remove("piece layers");
        Assert.That((await RefuseAsync(map)).Reason, Is.EqualTo(RefusalReason.InvalidTorrent));
    }

    [TestCase(".qbsync")]
    [TestCase("x.qbsync-part")]
    [DestinationCase(7)]
    public async Task Init_NameThatIsOurs_IsInvalid(string name) =>
        Assert.That((await RefuseAsync(new TorrentBuilder("n") { PieceLength = Piece }.AddFile(name, 5).AddFile("other", 5).BuildMap())).Reason, Is.EqualTo(RefusalReason.InvalidTorrent));

    [Test]
    [DestinationCase(5)]
    public async Task Init_UnderTheIdOfAnother_IsAMismatch()
    {
        var map = new TorrentBuilder("n") { PieceLength = Piece }.BuildMap();
        Assert.That((await RefuseAsync(map, new byte[20])).Reason, Is.EqualTo(RefusalReason.InfoHashMismatch));
    }

    private static async Task<Refusal> RefuseAsync(BencodeMap torrent, byte[]? id = null)
    {
        await using var rig = new DestinationRig();
        id ??= SHA1.HashData(BencodeWriter.Write(torrent["info"]));
        if (id.All(static part => part == 0))
        {
            id[0] = 1;
        }

        var init = new InitRequest
        {
            Id = InfoHash.FromBytes(id),
            Selection = new byte[] { 0xc0 },
            Place = new Place("", [], ContentLayout.Original),
            Parameters = new TorrentParameters(),
            Torrent = BencodeWriter.Write(torrent),
        };
        var outcome = await rig.InitAsync(init);
        Assert.That(outcome, Is.InstanceOf<InitOutcome.Refused>());
        Assert.That(rig.Store.Opened, Is.Zero);
        return ((InitOutcome.Refused)outcome).Refusal;
    }
}
