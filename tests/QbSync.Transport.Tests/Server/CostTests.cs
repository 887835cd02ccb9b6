using System.Runtime;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Server;

namespace QbSync.Transport.Tests.Server;

/// <summary>What a chunk costs from the sender's hand to its piece's answer, without the sockets and gRPC between.</summary>
[NonParallelizable]
internal sealed class CostTests
{
    private const int PieceChunks = 16;
    private const int Chunks = 10_000;
    private const int Room = 32 << 20;

    [Test]
    [TransportCase(47)]
    public async Task Chunks_SentReceivedWrittenAndAnswered_AllocateAtMostTwoKibibytesAMebibyte()
    {
        const int Pieces = Chunks / PieceChunks;
        const int WarmUp = 100;
        await using var workers = new WriteWorkers(new TransportServerOptions { StreamWorkers = 2 }, TimeProvider.System);
        await using var path = new InProcessPath(workers, PieceChunks);
        await SendAsync(path, 0, WarmUp);
        using var large = new LargeAllocations();
        var sent = path.Sent;

        // No collection has to run for so little. Where the machine has no memory to spare it brings its own, and that is not looked at.
        var isRoomy = GC.TryStartNoGCRegion(Room);
        var before = GC.GetTotalAllocatedBytes(precise: true);

        await SendAsync(path, WarmUp, Pieces);

        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        var isWithoutCollection = GCSettings.LatencyMode == GCLatencyMode.NoGCRegion;
        if (isWithoutCollection)
        {
            GC.EndNoGCRegion();
        }

        // 2 KiB a MiB in chunks of 256 KiB; a machine that is slow just now makes them smaller, which is no fault.
        Assert.That(allocated / (path.Sent - sent), Is.LessThanOrEqualTo(512), "bytes a chunk");
        Assert.That(large.Bytes, Is.Zero, "on the large object heap");
        Assert.That(isWithoutCollection, Is.EqualTo(isRoomy), "no collection");
    }

    private static async Task SendAsync(InProcessPath path, int first, int count)
    {
        await Task.Run(async () =>
        {
            for (var piece = first; piece < first + count; piece++)
            {
                Assert.That(await path.SendAsync(piece), Is.EqualTo(SendOutcome.Sent));
            }
        }).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => path.Answered == first + count);
    }
}
