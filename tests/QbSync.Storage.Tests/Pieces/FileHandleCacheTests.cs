using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

public sealed class FileHandleCacheTests
{
    [Test]
    [MetricCase("C33")]
    public async Task ThreeReads_OfOneFile_AreOneMissAndTwoHits()
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin") { PieceLength = 1 << 20, Length = 3 << 20 }.Build();
        torrent.WriteContent(rig.Folder.Path);
        var location = rig.Locate(torrent);
        for (var piece = 0; piece < 3; piece++)
        {
            rig.Reader.ReadVerified(location, piece, new byte[1 << 20]);
        }

        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_cache_total", "miss"), Is.EqualTo(1));
        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_cache_total", "hit"), Is.EqualTo(2));
    }

    [Test]
    [MetricCase("C33")]
    public async Task AMissingFile_CountsNoLookup()
    {
        using var rig = new ReaderRig();
        var torrent = new TorrentBuilder("x.bin").Build();
        rig.Reader.ReadVerified(rig.Locate(torrent), 0, new byte[torrent.Manifest.PieceLength]);
        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_cache_total"), Is.Zero);
    }

    [Test]
    [SourceCase(44)]
    [MetricCase("C34")]
    [MetricCase("A24"), MetricCase("L6")]
    public async Task MoreFilesThanTheLimit_LeaveTheLimitOpen_OldestFirstOut()
    {
        using var rig = new ReaderRig(openFiles: 16);
        var (location, count) = MakeFiles(rig, 40);
        for (var piece = 0; piece < count; piece++)
        {
            Assert.That(rig.Reader.ReadVerified(location, piece, new byte[16 * 1024]), Is.EqualTo(PieceReadStatus.Read));
        }

        Assert.That(await rig.ReadMetricAsync("qbsync_open_file_handles", "source"), Is.EqualTo(16));
        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_evictions_total"), Is.EqualTo(24));
        var descriptors = Directory.GetFiles("/proc/self/fd").Select(static path => new FileInfo(path).LinkTarget ?? "")
            .Count(target => target.StartsWith(rig.Folder.Path, StringComparison.Ordinal));
        Assert.That(descriptors, Is.EqualTo(16));

        rig.Reader.ReadVerified(location, count - 16, new byte[16 * 1024]);
        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_cache_total", "hit"), Is.EqualTo(1));
        rig.Reader.Forget(location.Manifest.Id);
        Assert.That(await rig.ReadMetricAsync("qbsync_file_handle_evictions_total"), Is.EqualTo(40));
    }

    [Test]
    public async Task ManyReaders_WithEvictionsUnderThem_AllReadRight()
    {
        using var rig = new ReaderRig(openFiles: 16);
        var (location, count) = MakeFiles(rig, 40);
        var workers = Enumerable.Range(0, 4).Select(worker => Task.Run(() =>
        {
            var buffer = new byte[16 * 1024];
            for (var i = 0; i < 400; i++)
            {
                Assert.That(rig.Reader.ReadVerified(location, (i * 7 + worker * 11) % count, buffer), Is.EqualTo(PieceReadStatus.Read));
                if (i % 50 == worker)
                {
                    rig.Reader.Forget(location.Manifest.Id);
                }
            }
        }));
        await Task.WhenAll(workers).DefaultTimeout();
    }

    private static (ContentLocation Location, int Count) MakeFiles(ReaderRig rig, int count)
    {
        var builder = new TorrentBuilder("many") { PieceLength = 16 * 1024 };
        for (var i = 0; i < count; i++)
        {
            builder.AddFile($"{i:d3}", 16 * 1024);
        }

        var torrent = builder.Build();
        torrent.WriteContent(rig.Folder.Path);
        return (rig.Locate(torrent), count);
    }
}
