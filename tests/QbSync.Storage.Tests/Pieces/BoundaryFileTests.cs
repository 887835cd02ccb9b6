using System.Buffers.Binary;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class BoundaryFileTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    [DestinationCase(40)]
    [DestinationCase(41)]
    public async Task BytesOfUnselectedFiles_AreKept_Verified_AndExported_InLibtorrentsForm()
    {
        var torrent = Three();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "middle", "save");
        Assert.That((storage.Layout.IsBoundary(6), storage.Layout.IsBoundary(7), storage.Layout.IsBoundary(12)), Is.EqualTo((true, false, true)));
        StoreRig.SendAll(storage, torrent);
        await storage.FlushAsync(default).DefaultTimeout();
        storage = (await _rig.CrashAndStartAsync())[0];
        await StoreRig.FinishAsync(storage);
        Assert.That(await storage.ExportPartFileAsync(".abc.parts", default).DefaultTimeout(), Is.Null);
        Assert.That(await storage.ExportPartFileAsync(".abc.parts", default).DefaultTimeout(), Is.Null, "again is harmless");
        Assert.That(Directory.GetFiles(_rig.Folder["data", "save"], "*", SearchOption.AllDirectories).Select(Path.GetFileName).Order(), Is.EqualTo(new[] { ".abc.parts", "middle" }));
        var parts = File.ReadAllBytes(_rig.Folder["data", "save", ".abc.parts"]);
        CheckParts(torrent, parts, 6, 0, 100_000 - (6 * 16_384));
        CheckParts(torrent, parts, 12, 200_000 - (12 * 16_384), 13 * 16_384 - 200_000);
        Assert.That(ReadSlot(parts, 7), Is.EqualTo(uint.MaxValue));
    }

    [Test]
    public async Task AnotherPartFileThere_IsAConflict_AndIsLeftAlone()
    {
        var torrent = Three();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "middle");
        StoreRig.SendAll(storage, torrent);
        File.WriteAllText(_rig.Folder["data", ".abc.parts"], "theirs");
        Assert.That((await storage.ExportPartFileAsync(".abc.parts", default).DefaultTimeout())?.Reason, Is.EqualTo(RefusalReason.PathConflict));
        Assert.That(File.ReadAllText(_rig.Folder["data", ".abc.parts"]), Is.EqualTo("theirs"));
    }

    [Test]
    [DestinationCase(40)]
    public async Task AWrongByteOfAnUnselectedFile_IsAMismatch()
    {
        var torrent = Three();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "middle");
        Assert.That(StoreRig.Send(storage, torrent, 6, spoil: static bytes => bytes[0] ^= 1), Is.EqualTo(PieceAckStatus.HashMismatch));
        Assert.That(StoreRig.Send(storage, torrent, 6), Is.EqualTo(PieceAckStatus.Accepted));
    }

    [Test]
    public async Task ALostBoundaryFile_MakesItsPiecesNeeded()
    {
        var torrent = Three();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "middle");
        StoreRig.SendAll(storage, torrent);
        await _rig.Store.DisposeAsync();
        File.WriteAllText(_rig.Folder["state", "torrents", torrent.Id.ToString(), "boundary.parts"], "garbage");
        storage = (await _rig.StartAsync())[0];
        var have = storage.CopyHave();
        Assert.That((have[6], have[7], have[12]), Is.EqualTo((false, true, false)));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
    }

    private static BuiltTorrent Three() => new TorrentBuilder("three") { PieceLength = 16_384 }
        .AddFile("first", 100_000)
        .AddFile("middle", 100_000)
        .AddFile("third", 100_000)
        .Build();

    private static uint ReadSlot(byte[] parts, int piece) => BinaryPrimitives.ReadUInt32BigEndian(parts.AsSpan(8 + (piece * 4)));

    private static void CheckParts(BuiltTorrent torrent, byte[] parts, int piece, int from, int count)
    {
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(parts), Is.EqualTo(torrent.Manifest.PieceCount));
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(parts.AsSpan(4)), Is.EqualTo(16_384));
        var header = ((2 + torrent.Manifest.PieceCount) * 4 + 1023) / 1024 * 1024;
        var start = header + ((int)ReadSlot(parts, piece) * 16_384) + from;
        Assert.That(parts.AsSpan(start, count).SequenceEqual(torrent.ReadPiece(piece).AsSpan(from, count)), Is.True);
    }
}
