using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.Storage.Tests.Pieces;

public sealed class TorrentStorageReceivingTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    public static BuiltTorrent Mixed(TorrentVersion version = TorrentVersion.V1, bool pads = false) =>
        new TorrentBuilder("mixed") { Version = version, PieceLength = 64 * 1024, WithPads = pads }
            .AddFile("a/one.bin", 200_001)
            .AddFile("a/empty", 0)
            .AddFile("b/tiny", 17)
            .AddFile("b/two.bin", 300_000)
            .AddFile("c.bin", 65_536)
            .Build();

    [TestCase(TorrentVersion.V1, false, 16_384)]
    [TestCase(TorrentVersion.V1, true, 9_999)]
    [TestCase(TorrentVersion.Hybrid, false, 65_536)]
    [TestCase(TorrentVersion.V2, false, 5_000)]
    [DestinationCase(44)]
    [MetricCase("H03")]
    public async Task EveryPiece_InChunks_BecomesTheFiles(TorrentVersion version, bool pads, int chunk)
    {
        var torrent = Mixed(version, pads);
        var storage = await _rig.StartAndOpenAsync(torrent, subPath: ["deep", "er"]);
        StoreRig.SendAll(storage, torrent, chunk);
        Assert.That(storage.Layout.IsComplete(storage.CopyHave()), Is.True);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Folder["data", "deep", "er"]), Is.Null);
        Assert.That(_rig.ListPartials(), Is.Empty);
        Assert.That(await _rig.ReadMetricAsync("qbsync_piece_write_duration_seconds_count"), Is.EqualTo(torrent.Manifest.PieceCount));
    }

    /// <summary>Its chunks come five seconds apart, and each takes two milliseconds to write: the one is not the time that writing takes.</summary>
    [Test]
    [MetricCase("H03")]
    public async Task APiece_WhoseChunksComeLate_IsTimedByItsWorkAlone()
    {
        var torrent = new TorrentBuilder("late.bin") { PieceLength = 16 * 1024, Length = 50_000, Seed = 3 }.Build();
        var storage = await _rig.StartAndOpenAsync(torrent);
        _rig.Files.Fault = call =>
        {
            if (call.Operation == "Write" && call.Name.EndsWith(PathRules.PartialSuffix, StringComparison.Ordinal))
            {
                _rig.Time.Advance(TimeSpan.FromMilliseconds(2));
            }

            return null;
        };
        Assert.That(storage.Begin(0, out var transfer), Is.EqualTo(PieceAckStatus.Pending));
        var bytes = torrent.ReadPiece(0);
        using (transfer)
        {
            Assert.That(transfer!.Write(0, bytes.AsSpan(0, 8192)), Is.EqualTo(PieceAckStatus.Pending));
            _rig.Time.Advance(TimeSpan.FromSeconds(5));
            Assert.That(transfer.Write(8192, bytes.AsSpan(8192)), Is.EqualTo(PieceAckStatus.Accepted));
        }

        _rig.Files.Fault = null;
        Assert.That(await _rig.ReadMetricAsync("qbsync_piece_write_duration_seconds_count"), Is.EqualTo(1));
        Assert.That(await _rig.ReadMetricAsync("qbsync_piece_write_duration_seconds_sum"), Is.EqualTo(0.004).Within(1e-9));
    }

    [Test]
    [DestinationCase(48)]
    public async Task APieceThatIsHeld_IsAnsweredHeld_AndNotWritten()
    {
        var torrent = Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.Accepted));
        _rig.Files.ClearCalls();
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.Held));
        Assert.That(_rig.Files.Calls.Where(static call => call.Operation == "Write"), Is.Empty);
    }

    [Test]
    public async Task AWrongByte_IsAMismatch_AndTheNextAttemptCounts()
    {
        var torrent = Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        Assert.That(StoreRig.Send(storage, torrent, 2, spoil: static bytes => bytes[7] ^= 1), Is.EqualTo(PieceAckStatus.HashMismatch));
        Assert.That(storage.HeldPieces, Is.Zero);
        Assert.That(await _rig.ReadMetricAsync("qbsync_piece_hash_mismatch_total"), Is.EqualTo(1));
        Assert.That(StoreRig.Send(storage, torrent, 2), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(storage.HeldPieces, Is.EqualTo(1));
    }

    [Test]
    [DestinationCase(50)]
    public async Task ChunksOutOfOrder_OrBeyond_AreMalformed_AndMarkNothing()
    {
        var torrent = Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent, static file => file.Path[^1] == "one.bin");
        Assert.That(storage.Begin(-1, out _), Is.EqualTo(PieceAckStatus.Malformed));
        Assert.That(storage.Begin(torrent.Manifest.PieceCount, out _), Is.EqualTo(PieceAckStatus.Malformed));
        Assert.That(storage.Begin(torrent.Manifest.PieceCount - 1, out _), Is.EqualTo(PieceAckStatus.Malformed), "not selected");
        foreach (var (offset, length) in new[] { (1, 10), (-1, 10), (0, 65_537), (0, 0), (int.MaxValue, 10) })
        {
            storage.Begin(0, out var transfer);
            Assert.That(transfer!.Write(offset, new byte[length]), Is.EqualTo(PieceAckStatus.Malformed));
            Assert.That(transfer.Write(0, new byte[10]), Is.EqualTo(PieceAckStatus.Malformed), "the end is final");
        }

        storage.Begin(0, out var second);
        var bytes = torrent.ReadPiece(0);
        Assert.That(second!.Write(0, bytes.AsSpan(0, 100)), Is.EqualTo(PieceAckStatus.Pending));
        Assert.That(second.Write(50, bytes.AsSpan(50, 100)), Is.EqualTo(PieceAckStatus.Malformed), "overlap");
        Assert.That(storage.HeldPieces, Is.Zero);
    }

    [Test]
    [DestinationCase(49)]
    public async Task ANewerAttempt_TakesThePiece_AndTheOlderOneIsToldSo()
    {
        var torrent = Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        var bytes = torrent.ReadPiece(1);
        storage.Begin(1, out var older);
        Assert.That(older!.Write(0, new byte[1000]), Is.EqualTo(PieceAckStatus.Pending));
        Assert.That(StoreRig.Send(storage, torrent, 1), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(older.Write(1000, bytes.AsSpan(1000)), Is.EqualTo(PieceAckStatus.ClaimLost));
        older.Dispose();
        Assert.That(StoreRig.Send(storage, torrent, 1), Is.EqualTo(PieceAckStatus.Held));
    }

    [Test]
    [DestinationCase(49)]
    public async Task AnAttemptInsideAWrite_KeepsTheNewerOneOut_UntilItReturns()
    {
        var torrent = Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        var bytes = torrent.ReadPiece(0);
        var inside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var release = new ManualResetEventSlim();
        _rig.Files.Fault = call =>
        {
            if (call.Operation == "Write" && call.Name.EndsWith("-part", StringComparison.Ordinal) && inside.TrySetResult())
            {
                release.Wait();
            }

            return null;
        };
        storage.Begin(0, out var older);
        var slow = Task.Run(() => older!.Write(0, new byte[65_536]));
        await inside.Task.DefaultTimeout();
        storage.Begin(0, out var newer);
        Assert.That(newer!.Write(0, bytes), Is.EqualTo(PieceAckStatus.Busy));
        release.Set();
        Assert.That(await slow.DefaultTimeout(), Is.Not.EqualTo(PieceAckStatus.Accepted));
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.Accepted));
        Assert.That(await storage.VerifyFileAsync(0, null, default).DefaultTimeout(), Is.EqualTo(3), "the other pieces of the file are missing");
    }

    [TestCase(true)]
    [TestCase(false)]
    [DestinationCase(45)]
    public async Task AHybrid_WhoseHashesDisagree_IsInconsistent(bool isSha1Wrong)
    {
        var builder = new TorrentBuilder("liar") { Version = TorrentVersion.Hybrid, PieceLength = 32 * 1024, Length = 100_000 };
        var torrent = builder.Build();
        var bytes = isSha1Wrong ? SpoilSha1(builder) : SpoilMerkle(torrent);
        var manifest = TorrentManifest.Parse(bytes);
        await _rig.StartAsync();
        var request = StoreRig.Request(torrent) with { Manifest = manifest, Torrent = bytes };
        var storage = (await _rig.Store.OpenAsync(request, default).DefaultTimeout()).Storage!;
        Assert.That(StoreRig.Send(storage, torrent, 0), Is.EqualTo(PieceAckStatus.TorrentInconsistent));
        Assert.That(storage.CopyHave()[0], Is.False);
        if (isSha1Wrong)
        {
            Assert.That(StoreRig.Send(storage, torrent, 1), Is.EqualTo(PieceAckStatus.Accepted));
        }

        Assert.That(File.Exists(_rig.Folder["data", "liar"]), Is.False, "nothing is published");
    }

    [Test]
    public async Task FileWhole_ComesOnce_WithTheLastPieceOfTheFile()
    {
        var torrent = Mixed();
        var storage = await _rig.StartAndOpenAsync(torrent);
        var whole = new List<int>();
        storage.FileWhole += whole.Add;
        StoreRig.Send(storage, torrent, 3);
        Assert.That(whole, Is.EqualTo(new[] { 2 }), "the tiny file lies in one piece");
        StoreRig.SendAll(storage, torrent);
        Assert.That(whole, Is.EquivalentTo(new[] { 0, 2, 3, 4 }));
    }

    [Test]
    [DestinationCase(57)]
    public async Task SteadyReceiving_AllocatesNextToNothing()
    {
        var torrent = new TorrentBuilder("steady") { PieceLength = 1 << 20, Length = 24 << 20 }.Build();
        var storage = await _rig.StartAndOpenAsync(torrent);
        var pieces = Enumerable.Range(0, torrent.Manifest.PieceCount).Select(torrent.ReadPiece).ToArray();
        var allocated = new long[pieces.Length];
        for (var piece = 0; piece < pieces.Length; piece++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            storage.Begin(piece, out var transfer);
            transfer!.Write(0, pieces[piece].AsSpan(0, 300_000));
            var status = transfer.Write(300_000, pieces[piece].AsSpan(300_000));
            allocated[piece] = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.That(status, Is.EqualTo(PieceAckStatus.Accepted));
        }

        // Of most pieces: what is rented for the first time, or after a collection took it back, is not the receiver's.
        Assert.That(allocated.Order().ElementAt(pieces.Length / 2), Is.LessThan(8 * 1024));
    }

    [Test]
    [DestinationCase(56)]
    public async Task ManyFiles_StayWithinTheBoundOfOpenOnes()
    {
        _rig.Options.MaxOpenFiles = 16;
        var builder = new TorrentBuilder("many") { PieceLength = 16 * 1024 };
        for (var i = 0; i < 80; i++)
        {
            builder.AddFile($"f{i:00}", 20_000);
        }

        var torrent = builder.Build();
        var storage = await _rig.StartAndOpenAsync(torrent);
        var order = Enumerable.Range(0, torrent.Manifest.PieceCount).OrderBy(static piece => piece * 31 % 17).ToList();
        foreach (var piece in order)
        {
            Assert.That(StoreRig.Send(storage, torrent, piece), Is.EqualTo(PieceAckStatus.Accepted));
            Assert.That(_rig.Files.CountOpen(static name => name.EndsWith("-part", StringComparison.Ordinal)), Is.LessThanOrEqualTo(16));
        }

        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    [Test]
    [DestinationCase(56)]
    public async Task ThousandsOfFiles_WithFewDescriptors_FinishWithinTheirBound()
    {
        const int Limit = 40;
        _rig.Files.KeepsUnsynced = false;
        _rig.Options.MaxOpenFiles = 256;
        var builder = new TorrentBuilder("many") { PieceLength = 64 * 1024 };
        for (var i = 0; i < 4_000; i++)
        {
            builder.AddFile($"f{i:00000}", 1_000);
        }

        var torrent = builder.Build();
        var storage = await _rig.StartAndOpenAsync(torrent);
        var refused = 0;
        _rig.Files.Fault = call =>
        {
            var isOpening = call.Operation is "OpenFile" or "CreateFile" && call.Name.EndsWith("-part", StringComparison.Ordinal);
            if (!isOpening || _rig.Files.CountOpen(static name => name.EndsWith("-part", StringComparison.Ordinal)) < Limit)
            {
                return null;
            }

            refused++;
            return Storage.IO.Native.StorageFaults.Create(24, "open", call.Name);
        };
        for (var piece = 0; piece < 20; piece++)
        {
            Assert.That(StoreRig.Send(storage, torrent, piece), Is.EqualTo(PieceAckStatus.Accepted));
        }

        _rig.Files.Fault = null;
        Assert.That(refused, Is.InRange(1, 200), "the bound went down, so that few openings are in vain");
        StoreRig.SendAll(storage, torrent);
        foreach (var file in torrent.Manifest.Files)
        {
            Assert.That(await storage.VerifyFileAsync(file.Index, null, default), Is.Zero);
        }

        Assert.That(await storage.PublishFilesAsync([.. torrent.Manifest.Files.Select(static file => file.Index)], default).DefaultTimeout(), Is.Null);
        Assert.That(torrent.FindDifference(_rig.Data), Is.Null);
    }

    private static byte[] SpoilSha1(TorrentBuilder builder)
    {
        var map = builder.BuildMap();
        ((byte[])((BencodeMap)map["info"])["pieces"])[5] ^= 0xff;
        return BencodeWriter.Write(map);
    }

    /// <summary>The merkle side of other content, so that its root and layers agree with each other and with nothing else.</summary>
    private static byte[] SpoilMerkle(BuiltTorrent torrent)
    {
        var other = new TorrentBuilder("liar") { Version = TorrentVersion.Hybrid, PieceLength = 32 * 1024, Length = 100_000, Seed = 2 }.BuildMap();
        var pieces = ((BencodeMap)new TorrentBuilder("liar") { Version = TorrentVersion.Hybrid, PieceLength = 32 * 1024, Length = 100_000 }.BuildMap()["info"])["pieces"];
        ((BencodeMap)other["info"])["pieces"] = pieces;
        Assert.That(torrent.Manifest.PieceCount * 20, Is.EqualTo(((byte[])pieces).Length));
        return BencodeWriter.Write(other);
    }
}
