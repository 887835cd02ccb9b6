using System.Buffers.Binary;
using QbSync.Ports;
using QbSync.Testing.Clients;
using QbSync.Testing.Specifications;
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
    [SourceCase(66)]
    public void ANeighbour_InThePartFile_IsRead(uint slot)
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        WriteFile(rig, torrent, 0);
        WritePartFile(rig, torrent, slot, torrent.ReadPiece(BoundaryPiece));
        AssertReads(rig, torrent);
    }

    [Test, SourceCase(66)]
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

    [TestCase(99, PieceLength)]
    [TestCase(5, 2 * PieceLength)]
    [TestCase(5, 0)]
    [TestCase(-1, -1)]
    [SourceCase(66)]
    public void APartFile_OfAnotherTorrent_IsIgnored(int count, int length)
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        WriteFile(rig, torrent, 0);
        WritePartFile(rig, torrent, 0, torrent.ReadPiece(BoundaryPiece), count, length);
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

    [TestCase(254)]
    [TestCase(255)]
    [TestCase(511)]
    [SourceCase(66)]
    public void ATable_OfAnyLength_IsPaddedToAWholeKilobyte(int pieces)
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("t") { PieceLength = PieceLength }
            .AddFile("a.bin", 20_000).AddFile("b.bin", ((long)pieces * PieceLength) - 20_000).Build();
        Assert.That(torrent.Manifest.PieceCount, Is.EqualTo(pieces));
        WriteFile(rig, torrent, 0);
        File.WriteAllBytes(PartPath(rig, torrent), PartFileContent.Of(torrent, [pieces - 1, BoundaryPiece]));
        AssertReads(rig, torrent);
    }

    [Test, SourceCase(66)]
    public void ASlotBeyondTheEnd_IsNotRead()
    {
        using var rig = new ReaderRig();
        var torrent = Make();
        WriteFile(rig, torrent, 0);
        WritePartFile(rig, torrent, 0, torrent.ReadPiece(BoundaryPiece));
        var whole = File.ReadAllBytes(PartPath(rig, torrent));
        BinaryPrimitives.WriteUInt32BigEndian(whole.AsSpan(8 + (BoundaryPiece * 4)), 0xfffffffe);
        File.WriteAllBytes(PartPath(rig, torrent), whole);
        Assert.That(rig.Reader.ReadVerified(rig.Locate(torrent), BoundaryPiece, new byte[PieceLength]), Is.EqualTo(PieceReadStatus.Short));
    }

    [Test]
    public void ManySmallNeighbours_WithStaleFiles_AreAllReadFromThePartFile()
    {
        using var rig = new ReaderRig();
        var builder = new TorrentBuilder("t") { PieceLength = PieceLength }.AddFile("a.bin", 20_000);
        for (var i = 0; i < 9; i++)
        {
            builder.AddFile($"small {i}", 1000);
        }

        // The client made the small ones with holes before they were deselected; what it got of them since went into the part file.
        var torrent = builder.Build();
        WriteFile(rig, torrent, 0);
        for (var i = 0; i < 9; i++)
        {
            File.WriteAllBytes(rig.Folder["t", $"small {i}"], new byte[1000]);
        }

        File.WriteAllBytes(PartPath(rig, torrent), WithoutSelected(torrent));
        var bytes = new byte[torrent.Manifest.GetPieceLength(BoundaryPiece)];
        Assert.That(rig.Reader.ReadVerified(rig.Locate(torrent), BoundaryPiece, bytes), Is.EqualTo(PieceReadStatus.Read));
        Assert.That(bytes, Is.EqualTo(torrent.ReadPiece(BoundaryPiece)));

        // The part file holds nothing of a file that is selected.
        static byte[] WithoutSelected(BuiltTorrent torrent)
        {
            var part = PartFileContent.Of(torrent, [BoundaryPiece]);
            part.AsSpan(1024, 20_000 - PieceLength).Clear();
            return part;
        }
    }

    private static void AssertReads(ReaderRig rig, BuiltTorrent torrent)
    {
        var bytes = new byte[PieceLength];
        Assert.That(rig.Reader.ReadVerified(rig.Locate(torrent), BoundaryPiece, bytes), Is.EqualTo(PieceReadStatus.Read));
        Assert.That(bytes, Is.EqualTo(torrent.ReadPiece(BoundaryPiece)));
    }

    private static string PartPath(ReaderRig rig, BuiltTorrent torrent) => rig.Folder[$".{torrent.Id}.parts"];

    private static void WriteFile(ReaderRig rig, BuiltTorrent torrent, int index) => BuiltTorrent.WriteFile(rig.Folder.Path, torrent.Files[index]);

    private static void WritePartFile(ReaderRig rig, BuiltTorrent torrent, uint? slot, byte[] piece, int? count = null, int length = PieceLength)
    {
        var pieces = torrent.Manifest.PieceCount;
        var file = new byte[1024 + ((slot ?? 0) + 1) * PieceLength];
        BinaryPrimitives.WriteInt32BigEndian(file, count ?? pieces);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4), length);
        for (var i = 0; i < pieces; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(8 + i * 4), i == BoundaryPiece ? slot ?? uint.MaxValue : uint.MaxValue);
        }

        piece.CopyTo(file.AsSpan(1024 + (int)(slot ?? 0) * PieceLength));
        File.WriteAllBytes(PartPath(rig, torrent), file);
    }
}
