using System.Buffers.Binary;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>The boundary file as the specification has it, read by a reader that shares nothing with the writer.</summary>
[DestinationCase(41)]
public sealed class BoundaryFormatTests
{
    private const int Piece = 16 * 1024;
    private const string Name = ".0123.parts";
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    /// <summary>The header of 254 pieces fills 1024 bytes to the last; one piece more needs 2048.</summary>
    [TestCase(253, 1024)]
    [TestCase(254, 1024)]
    [TestCase(255, 2048)]
    public async Task Export_PiecesInAnyOrder_EachUnselectedByteIsWhereTheFormatHasIt(int pieces, int header)
    {
        var torrent = Make(pieces);
        var storage = await _rig.StartAndOpenAsync(torrent, IsWanted);
        int[] order = [pieces - 1, 100, 0, 2, 101];
        foreach (var piece in order.Concat(Enumerable.Range(0, pieces).Except(order)).Where(storage.Layout.IsSelected))
        {
            Assert.That(StoreRig.Send(storage, torrent, piece), Is.EqualTo(PieceAckStatus.Accepted));
        }

        await StoreRig.FinishAsync(storage);
        Assert.That(await storage.ExportPartFileAsync(Name, default).DefaultTimeout(), Is.Null);
        Check(torrent, storage, File.ReadAllBytes(_rig.Folder["data", Name]), header);
    }

    [Test]
    public async Task Export_AfterARestart_IsTheSameFile()
    {
        var torrent = Make(255);
        var storage = await _rig.StartAndOpenAsync(torrent, IsWanted);
        StoreRig.Send(storage, torrent, 100);
        StoreRig.Send(storage, torrent, 0);
        storage = (await _rig.RestartAsync())[0];
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(await storage.ExportPartFileAsync(Name, default).DefaultTimeout(), Is.Null);
        Check(torrent, storage, File.ReadAllBytes(_rig.Folder["data", Name]), 2048);
    }

    private static void Check(BuiltTorrent torrent, ITorrentStorage storage, byte[] file, int header)
    {
        var manifest = torrent.Manifest;
        var slots = ReadSlots(file, manifest.PieceCount, header);
        var used = slots.Where(static slot => slot != uint.MaxValue).ToList();
        var boundary = Enumerable.Range(0, manifest.PieceCount).Where(storage.Layout.IsBoundary).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(Enumerable.Range(0, slots.Count).Where(piece => slots[piece] != uint.MaxValue), Is.EqualTo(boundary), "a slot for each boundary piece and no other");
            Assert.That(used.Order(), Is.EqualTo(Enumerable.Range(0, boundary.Count).Select(static slot => (uint)slot)), "slots are used from the first, each once");
            Assert.That(file, Has.Length.EqualTo(header + (boundary.Count * Piece)).Or.Length.EqualTo(header + ((boundary.Count - 1) * Piece) + manifest.GetPieceLength(manifest.PieceCount - 1)));
        });
        var bytes = 0L;
        foreach (var piece in boundary)
        {
            var whole = torrent.ReadPiece(piece);
            foreach (var entry in manifest.Files)
            {
                // The part of the file that lies in the piece, by plain arithmetic.
                var from = Math.Max(0, entry.Offset - ((long)piece * Piece));
                var to = Math.Min(whole.Length, entry.Offset + entry.Length - ((long)piece * Piece));
                if (to > from && entry.IsReal && !IsWanted(entry))
                {
                    Assert.That(
                        file.AsSpan(header + ((int)slots[piece] * Piece) + (int)from, (int)(to - from)).SequenceEqual(whole.AsSpan((int)from, (int)(to - from))),
                        Is.True,
                        $"piece {piece}");
                    bytes += to - from;
                }
            }
        }

        Assert.That(bytes, Is.Positive);
    }

    private static List<uint> ReadSlots(byte[] file, int pieces, int header)
    {
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(file), Is.EqualTo(pieces));
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(4)), Is.EqualTo(Piece));
        var used = 8 + (pieces * 4);
        Assert.That(header, Is.EqualTo((used + 1023) / 1024 * 1024));
        Assert.That(file.AsSpan(used, header - used).ContainsAnyExcept((byte)0), Is.False, "zeros up to the first slot");
        return [.. Enumerable.Range(0, pieces).Select(piece => BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(8 + (piece * 4))))];
    }

    /// <summary>Small wanted files between large unwanted ones, and one at each end of the torrent that shares its piece.</summary>
    private static BuiltTorrent Make(int pieces)
    {
        var builder = new TorrentBuilder("boundary") { PieceLength = Piece, Seed = pieces };
        builder.AddFile("want 0", 100).AddFile("skip 1", (2 * Piece) + 50).AddFile("want 2", 10).AddFile("skip 3", (97 * Piece) + 500);
        builder.AddFile("want 4", Piece + 20);
        var rest = ((long)(pieces - 1) * Piece) + 700 - (100 + (2 * Piece) + 50 + 10 + (97 * Piece) + 500 + Piece + 20);
        return builder.AddFile("skip 5", rest - 100).AddFile("want 6", 100).Build();
    }

    private static bool IsWanted(Torrents.TorrentFile file) => file.Path[^1].StartsWith("want", StringComparison.Ordinal);
}
