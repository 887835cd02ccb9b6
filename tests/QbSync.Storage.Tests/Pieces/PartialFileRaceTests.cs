using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.Pieces;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.Storage.Tests.Pieces;

/// <summary>The first pieces of a file come from several workers at once.</summary>
public sealed class PartialFileRaceTests
{
    private StoreRig _rig = null!;

    [SetUp]
    public void SetUp() => _rig = new StoreRig();

    [TearDown]
    public async Task TearDown() => await _rig.DisposeAsync();

    [Test]
    public async Task FirstPieces_FromFourWorkersAtOnce_AreAllTaken()
    {
        await _rig.StartAsync();
        using var together = new Barrier(4);
        for (var round = 0; round < 150; round++)
        {
            var torrent = new TorrentBuilder($"race {round}") { PieceLength = 16 * 1024, Length = 4 * 16 * 1024, Seed = round }.Build();
            var storage = await _rig.OpenAsync(torrent);
            var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(piece => Task.Factory.StartNew(
                () =>
                {
                    together.SignalAndWait();
                    return StoreRig.Send(storage, torrent, piece);
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default))).DefaultTimeout();
            Assert.That(answers, Is.All.EqualTo(PieceAckStatus.Accepted), $"round {round}");
            Assert.That(storage.HeldPieces, Is.EqualTo(4));
        }
    }

    /// <summary>Room that is reserved twice would be promised to others though it is taken.</summary>
    [Test]
    public async Task TwoWorkersThatMakeAFile_ReserveItsRoomOnce()
    {
        var torrent = new TorrentBuilder("big") { PieceLength = 1 << 20, Length = 2 << 20 }.Build();
        var storage = await _rig.StartAndOpenAsync(torrent);
        using var both = new Barrier(2);
        _rig.Files.Fault = call =>
        {
            if (call.Operation == "TryAllocate")
            {
                both.SignalAndWait();
            }

            return null;
        };
        Assert.That(
            await Task.WhenAll(SendAsync(storage, torrent, 0), SendAsync(storage, torrent, 1)).DefaultTimeout(), Is.All.EqualTo(PieceAckStatus.Accepted));
        Assert.That(((TorrentStorage)storage).UnallocatedBytes, Is.Zero);
    }

    /// <summary>A handle that was opened before the file was lost leads to what is not there any more.</summary>
    [Test]
    public async Task FileIsLostWhileAWorkerOpensIt_NothingIsWrittenToTheLostOne()
    {
        var torrent = new TorrentBuilder("lost") { PieceLength = 1 << 20, Length = 4 << 20 }.Build();
        var storage = await _rig.StartAndOpenAsync(torrent);
        using var isInside = new ManualResetEventSlim();
        using var mayGoOn = new ManualResetEventSlim();
        _rig.Files.Fault = call =>
        {
            if (call.Operation == "TryAllocate" && !isInside.IsSet)
            {
                isInside.Set();
                mayGoOn.Wait();
            }

            return null;
        };
        var slow = SendAsync(storage, torrent, 0);
        isInside.Wait();
        File.Delete(_rig.ListPartials().Single());
        Assert.That(StoreRig.Send(storage, torrent, 1), Is.EqualTo(PieceAckStatus.FileLost));
        mayGoOn.Set();
        Assert.That(await slow.DefaultTimeout(), Is.EqualTo(PieceAckStatus.FileLost));
        StoreRig.SendAll(storage, torrent);
        await StoreRig.FinishAsync(storage);
        Assert.That(((TorrentStorage)storage).UnallocatedBytes, Is.Zero);
    }

    private static Task<PieceAckStatus> SendAsync(ITorrentStorage storage, BuiltTorrent torrent, int piece) => Task.Factory.StartNew(
        () => StoreRig.Send(storage, torrent, piece, chunk: torrent.Manifest.PieceLength), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
