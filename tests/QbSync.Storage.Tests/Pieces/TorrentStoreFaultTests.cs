using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.Tests.IO;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>Writers, flushes, read-backs and publishing at once, on a disk that fails and loses what was not flushed, with power cuts in between.</summary>
public sealed class TorrentStoreFaultTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    public async Task NoBitAndNoName_EverLies([Range(1, 8)] int seed)
    {
        _rig.Options.MaxOpenFiles = 16;
        _rig.Logs.Expect(static entry => entry.Id.Id is >= StorageEventIds.TorrentStorage and < StorageEventIds.DurableRecords);
        var torrent = MakeTorrent(seed);
        var random = new Random(seed);
        var storage = await _rig.StartAndOpenAsync(torrent, IsWanted);
        for (var life = 0; life < 4; life++)
        {
            _rig.Files.Fault = MakeFaults(new Random(seed * 100 + life));
            await Task.WhenAll(Enumerable.Range(0, 3).Select(writer => Task.Run(() => WriteAsync(storage, torrent, new Random(writer), 12)))).DefaultTimeout();
            storage = (await _rig.CrashAndStartAsync(random))[0];
            await storage.SettleAsync(null, default).DefaultTimeout();
            await CheckAsync(storage, torrent);
        }

        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(torrent.FindDifference(_rig.Data, file => IsWantedName(file.Path[^1])), Is.Null);
        Assert.That(_rig.ListPartials(), Is.Empty);
    }

    private static bool IsWanted(Torrents.TorrentFile file) => IsWantedName(file.Path[^1]);

    private static bool IsWantedName(string name) => !name.EndsWith('7');

    private static BuiltTorrent MakeTorrent(int seed)
    {
        var builder = new TorrentBuilder("faults") { PieceLength = 16 * 1024, Seed = seed };
        for (var i = 0; i < 24; i++)
        {
            builder.AddFile($"d{i % 3}/f{i:00}", 1000 + (i * 2999));
        }

        return builder.Build();
    }

    private static Func<FileCall, StorageException?> MakeFaults(Random random)
    {
        var gate = new Lock();
        return call =>
        {
            lock (gate)
            {
                return call.Operation switch
                {
                    "Sync" or "SyncFolder" when random.Next(40) == 0 => FaultyFileSystem.InputOutput,
                    "Write" when random.Next(60) == 0 => random.Next(2) == 0 ? FaultyFileSystem.InputOutput : FaultyFileSystem.NoSpace,
                    "RenameNew" when random.Next(10) == 0 => FaultyFileSystem.InputOutput,
                    _ => null,
                };
            }
        };
    }

    private async Task WriteAsync(ITorrentStorage storage, BuiltTorrent torrent, Random random, int pieces)
    {
        for (var i = 0; i < pieces; i++)
        {
            var piece = random.Next(torrent.Manifest.PieceCount);
            var status = StoreRig.Send(storage, torrent, piece, 5000);
            if (status == PieceAckStatus.NoSpace)
            {
                _rig.Time.Advance(TimeSpan.FromSeconds(11));
            }

            var file = torrent.Manifest.Files[random.Next(torrent.Manifest.Files.Count)];
            try
            {
                if (random.Next(4) == 0)
                {
                    await storage.FlushAsync(default);
                }
                else if (random.Next(3) == 0 && IsWanted(file) && await storage.VerifyFileAsync(file.Index, null, default) == 0)
                {
                    await storage.PublishFilesAsync([file.Index], default);
                }
            }
            catch (StorageException)
            {
                // What the disk does to it; the bits are what is tested.
            }
        }
    }

    /// <summary>What is held after a start reads back right, and what has its final name is the file.</summary>
    private async Task CheckAsync(ITorrentStorage storage, BuiltTorrent torrent)
    {
        var have = storage.CopyHave();
        foreach (var file in torrent.Manifest.Files.Where(IsWanted))
        {
            await storage.VerifyFileAsync(file.Index, null, default).DefaultTimeout();
        }

        Assert.That(Missing(storage.CopyHave()), Is.EqualTo(Missing(have)), "a durable bit without its bytes");
        foreach (var file in torrent.Files)
        {
            Assert.That(!File.Exists(_rig.Folder["data", file.RelativePath]) || torrent.FindDifference(_rig.Data, one => one == file) is null, $"{file.RelativePath} under its final name");
        }
    }

    private static List<int> Missing(PieceBitmap have) => [.. Enumerable.Range(0, have.Length).Where(piece => !have[piece])];
}
