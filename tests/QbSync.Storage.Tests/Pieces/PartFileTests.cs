using System.Buffers.Binary;
using QbSync.Ports;
using QbSync.Testing.Torrents;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>Boundary pieces whose unselected neighbour lies in libtorrent's part file, written here by the rules of that format.</summary>
public sealed class PartFileTests
{
    private const int PieceLength = 16 * 1024;
    private const int BoundaryPiece = 1; // 16384..32768: tail of a.bin, head of b.bin

    private static BuiltTorrent Make() =>
        new TorrentBuilder("t") { PieceLength = PieceLength }.AddFile("a.bin", 20_000).AddFile("b.bin", 50_000).Build();

    [TestCase(0u)]
    [TestCase(3u)]
    public void ANeighbour_InThePartFile_IsRead(uint slot)
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        WriteFile(rig, torrent, 0);
        WritePartFile(rig, torrent, slot, torrent.ReadPiece(BoundaryPiece));
        AssertReads(rig, torrent);
    }

    [Test]
    public void ANeighbour_Nowhere_IsMissing_UntilItsSlotIsWritten()
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        WriteFile(rig, torrent, 0);
        var location = rig.Locate(torrent);
        Assert.That(rig.Reader.ReadVerified(location, BoundaryPiece, new byte[PieceLength]), Is.EqualTo(PieceReadStatus.Missing));
        WritePartFile(rig, torrent, null, torrent.ReadPiece(BoundaryPiece));
        Assert.That(rig.Reader.ReadVerified(location, BoundaryPiece, new byte[PieceLength]), Is.EqualTo(PieceReadStatus.Missing));
        WritePartFile(rig, torrent, 0, torrent.ReadPiece(BoundaryPiece));
        File.SetLastWriteTimeUtc(PartPath(rig, torrent), DateTime.UnixEpoch.AddYears(40));
        Assert.That(rig.Reader.ReadVerified(location, BoundaryPiece, new byte[PieceLength]), Is.EqualTo(PieceReadStatus.Read));
    }

    [Test]
    public void AWrongFile_OfTheNeighbour_GivesWayToThePartFile()
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        WriteFile(rig, torrent, 0);
        File.WriteAllBytes(rig.Folder["t", "b.bin"], new byte[50_000]);
        WritePartFile(rig, torrent, 0, torrent.ReadPiece(BoundaryPiece));
        AssertReads(rig, torrent);
    }

    [Test]
    public void AWrongPartFile_GivesWayToTheFile()
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        torrent.WriteContent(rig.Folder.Path);
        WritePartFile(rig, torrent, 0, new byte[PieceLength]);
        AssertReads(rig, torrent);
    }

    [Test]
    public void AShortNeighbour_IsCompletedFromThePartFile()
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        WriteFile(rig, torrent, 0);
        File.WriteAllBytes(rig.Folder["t", "b.bin"], torrent.ReadFile(1)[..100]);
        WritePartFile(rig, torrent, 0, torrent.ReadPiece(BoundaryPiece));
        AssertReads(rig, torrent);
    }

    [Test]
    public void APartFile_OfAnotherTorrent_IsIgnored()
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        WriteFile(rig, torrent, 0);
        WritePartFile(rig, torrent, 0, torrent.ReadPiece(BoundaryPiece), count: 99);
        Assert.That(
            rig.Reader.ReadVerified(rig.Locate(torrent), BoundaryPiece, new byte[PieceLength]), Is.EqualTo(PieceReadStatus.Missing));
    }

    [Test]
    public void TheSecondPass_OfALargePiece_ReadsWhatTheFirstFoundRight()
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        WriteFile(rig, torrent, 0);
        File.WriteAllBytes(rig.Folder["t", "b.bin"], new byte[50_000]);
        WritePartFile(rig, torrent, 0, torrent.ReadPiece(BoundaryPiece));
        var location = rig.Locate(torrent);
        Assert.That(rig.Reader.Verify(location, BoundaryPiece, CancellationToken.None), Is.EqualTo(PieceReadStatus.Read));
        var bytes = new byte[PieceLength];
        Assert.That(rig.Reader.Read(location, BoundaryPiece, 0, bytes), Is.EqualTo(PieceReadStatus.Read));
        Assert.That(bytes, Is.EqualTo(torrent.ReadPiece(BoundaryPiece)));
    }

    private static void AssertReads(ReaderRig rig, BuiltTorrent torrent)
    {
        var bytes = new byte[PieceLength];
        Assert.That(rig.Reader.ReadVerified(rig.Locate(torrent), BoundaryPiece, bytes), Is.EqualTo(PieceReadStatus.Read));
        Assert.That(bytes, Is.EqualTo(torrent.ReadPiece(BoundaryPiece)));
    }

    private static string PartPath(ReaderRig rig, BuiltTorrent torrent) => rig.Folder[$".{torrent.Id}.parts"];

    private static void WriteFile(ReaderRig rig, BuiltTorrent torrent, int index) => BuiltTorrent.WriteFile(rig.Folder.Path, torrent.Files[index]);

    private static void WritePartFile(ReaderRig rig, BuiltTorrent torrent, uint? slot, byte[] piece, int? count = null)
    {
        var pieces = torrent.Manifest.PieceCount;
        var file = new byte[1024 + ((slot ?? 0) + 1) * PieceLength];
        BinaryPrimitives.WriteInt32BigEndian(file, count ?? pieces);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4), PieceLength);
        for (var i = 0; i < pieces; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(8 + i * 4), i == BoundaryPiece ? slot ?? uint.MaxValue : uint.MaxValue);
        }

        piece.CopyTo(file.AsSpan(1024 + (int)(slot ?? 0) * PieceLength));
        File.WriteAllBytes(PartPath(rig, torrent), file);
    }
}
