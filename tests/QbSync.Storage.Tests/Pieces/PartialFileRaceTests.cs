using QbSync.Outcomes;
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
}
