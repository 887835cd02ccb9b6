using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;

namespace QbSync.Storage.Tests.Pieces;

public sealed class PieceReaderTests
{
    private static IEnumerable<TorrentBuilder> Torrents() =>
    [
        new TorrentBuilder("single") { PieceLength = 16 * 1024, Length = 100_001 },
        new TorrentBuilder("big-pieces") { PieceLength = 1 << 20, Length = 2_500_000 },
        Files(new TorrentBuilder("several") { PieceLength = 32 * 1024 }),
        Files(new TorrentBuilder("padded") { PieceLength = 32 * 1024, WithPads = true, WithTailPad = true }),
        Files(new TorrentBuilder("hybrid") { PieceLength = 32 * 1024, Version = TorrentVersion.Hybrid }),
        Files(new TorrentBuilder("v2") { PieceLength = 64 * 1024, Version = TorrentVersion.V2 }),
    ];

    private static TorrentBuilder Files(TorrentBuilder builder) => builder
        .AddFile("a.bin", 70_000).AddFile("b/empty", 0).AddFile("b/one", 1).AddFile("c/ünïcode ☃.txt", 33_333).AddFile("d.bin", 200_000);

    [TestCaseSource(nameof(Torrents))]
    [SourceCase(47)]
    public void EveryPiece_OfCompleteContent_ReadsAndVerifies(TorrentBuilder builder)
    {
        using var rig = new ReaderRig();
        var torrent = builder.Build();
        torrent.WriteContent(rig.Folder.Path);
        var location = rig.Locate(torrent);
        var buffer = new byte[torrent.Manifest.PieceLength];
        for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
        {
            var length = torrent.Manifest.GetPieceLength(piece);
            buffer.AsSpan().Fill(0xee);
            Assert.That(rig.Reader.ReadVerified(location, piece, buffer), Is.EqualTo(PieceReadStatus.Read));
            Assert.That(buffer.AsSpan(0, length).SequenceEqual(torrent.ReadPiece(piece)), Is.True, $"piece {piece}");
            Assert.That(rig.Reader.Verify(location, piece, CancellationToken.None), Is.EqualTo(PieceReadStatus.Read));

            var middle = length / 3;
            buffer.AsSpan().Fill(0xee);
            Assert.That(rig.Reader.Read(location, piece, middle, buffer.AsSpan(0, length - middle)), Is.EqualTo(PieceReadStatus.Read));
            Assert.That(buffer.AsSpan(0, length - middle).SequenceEqual(torrent.ReadPiece(piece).AsSpan(middle)), Is.True, $"part of piece {piece}");
        }
    }

    [TestCaseSource(nameof(Torrents))]
    public void APiece_WithOneWrongByte_IsAHashMismatch(TorrentBuilder builder)
    {
        using var rig = new ReaderRig();
        var torrent = builder.Build();
        torrent.WriteContent(rig.Folder.Path);
        var path = rig.Folder[torrent.Files[0].RelativePath];
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        var piece = (int)((torrent.Files[0].Length - 1) / torrent.Manifest.PieceLength);
        Assert.That(rig.Reader.ReadVerified(rig.Locate(torrent), piece, new byte[torrent.Manifest.PieceLength]), Is.EqualTo(PieceReadStatus.HashMismatch));
        Assert.That(rig.Reader.Verify(rig.Locate(torrent), piece, CancellationToken.None), Is.EqualTo(PieceReadStatus.HashMismatch));
    }

    [TestCase("x.bin")]
    [TestCase("x.bin.!qB")]
    [TestCase(".unwanted/x.bin")]
    [TestCase(".unwanted/x.bin.!qB")]
    public void AFile_UnderANameOfAClient_IsFound(string name)
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("t") { PieceLength = 16 * 1024 }.AddFile("dir/x.bin", 50_000).Build();
        var path = rig.Folder["t", "dir", name];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, torrent.ReadFile(0));
        Assert.That(rig.Reader.ReadVerified(rig.Locate(torrent), 0, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Read));
        Assert.That(rig.Reader.Identify(rig.Locate(torrent), 0)?.Size, Is.EqualTo(50_000));
    }

    [Test]
    public void BaseFolders_AreTriedInOrder()
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 16 * 1024, Length = 50_000 }.Build();
        torrent.WriteContent(rig.Folder.CreateFolder("second"));
        var location = ReaderRig.Locate(torrent.Manifest, rig.Folder.CreateFolder("first"), rig.Folder["second"]);
        Assert.That(rig.Reader.ReadVerified(location, 2, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Read));
    }

    [Test]
    [SourceCase(43)]
    public void ALink_AsTheLastPart_IsNotOpened()
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 16 * 1024, Length = 50_000 }.Build();
        torrent.WriteContent(rig.Folder.CreateFolder("elsewhere"));
        rig.Folder.CreateFolder("base");
        File.CreateSymbolicLink(rig.Folder["base", "x.bin"], rig.Folder["elsewhere", "x.bin"]);
        var location = ReaderRig.Locate(torrent.Manifest, rig.Folder["base"]);
        Assert.That(rig.Reader.ReadVerified(location, 0, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Missing));
        Assert.That(rig.Reader.Identify(location, 0), Is.Null);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void AFolderLink_IsFollowed_OnlyBelowTheRoot(bool below)
    {
        using var outside = new ReaderRig();
        using var rig = new ReaderRig(root: below ? outside.Folder.Path : null);
        var torrent = new TorrentBuilder("t") { PieceLength = 16 * 1024 }.AddFile("dir/x.bin", 50_000).Build();
        torrent.WriteContent(outside.Folder.Path);
        Directory.CreateSymbolicLink(rig.Folder["t"], outside.Folder["t"]);
        Assert.That(
            rig.Reader.ReadVerified(rig.Locate(torrent), 0, new byte[16 * 1024]),
            Is.EqualTo(below ? PieceReadStatus.Read : PieceReadStatus.Missing));
    }

    [TestCase("..")]
    [TestCase(".")]
    [TestCase("")]
    [TestCase("a/b")]
    [TestCase("a\0b")]
    [SourceCase(43)]
    public void ANamePart_ThatIsNoName_IsNotOpened(string part)
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 16 * 1024, Length = 50_000 }.Build();
        torrent.WriteContent(rig.Folder.Path);
        var location = new ContentLocation(torrent.Manifest, [rig.Folder.CreateFolder("base")], [[part, "x.bin"]], []);
        Assert.That(rig.Reader.ReadVerified(location, 0, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Missing));
    }

    [Test]
    [SourceCase(47)]
    [MetricCase("A09"), MetricCase("H01")]
    public async Task AShortFile_GrowsUnderAnOpenHandle_IsReadOnceItIsLongEnough()
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 16 * 1024, Length = 50_000 }.Build();
        var content = torrent.ReadFile(0);
        var path = rig.Folder["x.bin.!qB"];
        await File.WriteAllBytesAsync(path, content[..20_000]);
        var location = rig.Locate(torrent);
        Assert.That(rig.Reader.ReadVerified(location, 0, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Read));
        Assert.That(rig.Reader.ReadVerified(location, 1, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Short));
        await using (var append = new FileStream(path, FileMode.Append))
        {
            await append.WriteAsync(content.AsMemory(20_000));
        }

        File.Move(path, rig.Folder["x.bin"]);
        Assert.That(rig.Reader.ReadVerified(location, 1, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Read));
        Assert.That(await rig.ReadMetricAsync("qbsync_piece_read_errors_total", "short"), Is.EqualTo(1));
        Assert.That(await rig.ReadMetricAsync("qbsync_piece_read_duration_seconds_count"), Is.EqualTo(2));
    }

    [Test]
    [SourceCase(49)]
    public async Task AReplacedFile_IsOpenedAgain_Once()
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 16 * 1024, Length = 50_000 }.Build();
        var path = rig.Folder["x.bin"];
        await File.WriteAllBytesAsync(path, new byte[50_000]);
        var location = rig.Locate(torrent);
        Assert.That(rig.Reader.ReadVerified(location, 0, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.HashMismatch));
        File.Delete(path);
        await File.WriteAllBytesAsync(path, torrent.ReadFile(0));
        Assert.That(rig.Reader.ReadVerified(location, 0, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Read));
        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_evictions_total"), Is.EqualTo(1));
    }

    [Test]
    [SourceCase(46)]
    [MetricCase("A09")]
    public async Task ADeletedFile_OfAForgottenTorrent_IsMissing()
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 16 * 1024, Length = 50_000 }.Build();
        torrent.WriteContent(rig.Folder.Path);
        var location = rig.Locate(torrent);
        rig.Reader.ReadVerified(location, 0, new byte[16 * 1024]);
        Assert.That(await rig.ReadMetricAsync("qbsync_open_file_handles", "source"), Is.EqualTo(1));
        rig.Reader.Forget(torrent.Id);
        Assert.That(await rig.ReadMetricAsync("qbsync_open_file_handles", "source"), Is.Zero);
        File.Delete(rig.Folder["x.bin"]);
        Assert.That(rig.Reader.ReadVerified(location, 0, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Missing));
        Assert.That(await rig.ReadMetricAsync("qbsync_piece_read_errors_total", "missing"), Is.EqualTo(1));
    }

    /// <summary>What is not there is no read; what is there is one, as long as it took.</summary>
    [Test]
    [MetricCase("H01")]
    public async Task APiece_ThatIsReadAfterItWasMissing_IsTimedOnce()
    {
        using var rig = new ReaderRig(time: new SteppingTime(TimeSpan.FromMilliseconds(20)));
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 16 * 1024, Length = 50_000 }.Build();
        var location = rig.Locate(torrent);
        Assert.That(rig.Reader.ReadVerified(location, 0, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Missing));
        torrent.WriteContent(rig.Folder.Path);
        Assert.That(rig.Reader.ReadVerified(location, 0, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Read));

        Assert.That(await rig.ReadMetricAsync("qbsync_piece_read_duration_seconds_count"), Is.EqualTo(1));
        Assert.That(await rig.ReadMetricAsync("qbsync_piece_read_duration_seconds_bucket", "le=\"0.01\""), Is.Zero);
        Assert.That(await rig.ReadMetricAsync("qbsync_piece_read_duration_seconds_bucket", "le=\"0.025\""), Is.EqualTo(1));
    }

    /// <summary>A piece that cannot be had is one error of its reason, and of no other.</summary>
    [TestCase("missing", PieceReadStatus.Missing)]
    [TestCase("short", PieceReadStatus.Short)]
    [TestCase("io", PieceReadStatus.Failed)]
    [TestCase("hash_mismatch", PieceReadStatus.HashMismatch)]
    [MetricCase("A09"), MetricCase("H01")]
    [Platform("Linux")]
    public async Task APiece_ThatCannotBeHad_IsCountedOnceByItsReason(string reason, PieceReadStatus status)
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 16 * 1024, Length = 50_000 }.Build();
        if (reason != "missing")
        {
            await File.WriteAllBytesAsync(rig.Folder["x.bin"], new byte[reason == "short" ? 20_000 : 50_000]);
        }

        // The memory of a process, where nothing is mapped: an input/output error, also for who may read everything.
        var location = reason == "io"
            ? new ContentLocation(torrent.Manifest, [$"/proc/{Environment.ProcessId}"], [["mem"]], [])
            : rig.Locate(torrent);
        Assert.That(rig.Reader.ReadVerified(location, 2, new byte[16 * 1024]), Is.EqualTo(status));

        Assert.That(await rig.ReadMetricAsync("qbsync_piece_read_errors_total", $"reason=\"{reason}\""), Is.EqualTo(1));
        Assert.That(await rig.ReadMetricAsync("qbsync_piece_read_errors_total"), Is.EqualTo(1));
        Assert.That(await rig.ReadMetricAsync("qbsync_piece_read_duration_seconds_count"), Is.Zero);
    }

    [Test]
    public void Identify_SeesInodeSizeAndTime()
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 16 * 1024, Length = 50_000 }.Build();
        torrent.WriteContent(rig.Folder.Path);
        var when = DateTime.UnixEpoch.AddTicks(16_000_000_001_234_567);
        File.SetLastWriteTimeUtc(rig.Folder["x.bin"], when);
        var first = rig.Reader.Identify(rig.Locate(torrent), 0)!.Value;
        Assert.That(first.ModifiedNanoseconds, Is.EqualTo(1_600_000_000_123_456_700));
        Assert.That(first.Inode, Is.Not.Zero);
        File.Move(rig.Folder["x.bin"], rig.Folder["x.bin.!qB"]);
        Assert.That(rig.Reader.Identify(rig.Locate(torrent), 0), Is.EqualTo(first));
    }

    [Test]
    public void Reading_InSteadyState_AllocatesNothing()
    {
        using var rig = new ReaderRig();
        var torrent = Files(new TorrentBuilder("hybrid") { PieceLength = 32 * 1024, Version = TorrentVersion.Hybrid }).Build();
        torrent.WriteContent(rig.Folder.Path);
        var location = rig.Locate(torrent);
        var buffer = new byte[torrent.Manifest.PieceLength];
        var allocated = new long[100];
        for (var round = 0; round < allocated.Length; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            ReadAll();
            allocated[round] = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        // In most rounds: what is rented for the first time, or after a collection took it back, is not the reader's.
        Assert.That(allocated.Order().ElementAt(allocated.Length / 2), Is.LessThan(torrent.Manifest.PieceCount));

        void ReadAll()
        {
            for (var piece = 0; piece < torrent.Manifest.PieceCount; piece++)
            {
                rig.Reader.ReadVerified(location, piece, buffer);
            }
        }
    }

    /// <summary>A clock that goes on by the same time from each look to the next, and by no other.</summary>
    private sealed class SteppingTime(TimeSpan step) : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _now, step.Ticks);
    }
}
