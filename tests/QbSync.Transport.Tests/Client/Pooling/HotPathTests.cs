using QbSync.Testing.Specifications;

namespace QbSync.Transport.Tests.Client.Pooling;

internal sealed class HotPathTests
{
    // A thread gets its memory in parts of 8 KiB, and a collection in between counts what is left of one. One object a chunk would be 240,000 bytes.
    private const int PartsOfMemory = 2 * 8192;

    /// <summary>What a chunk costs besides gRPC: the pool, the window, the table and the metrics.</summary>
    [Test]
    [TransportCase(47)]
    [MetricCase("Q10")]
    public void Flow_ManyChunks_AllocatesNothing()
    {
        const int Chunk = 64 * 1024;
        var test = new TestPool();
        var stream = test.Add(out _);
        Assert.That(test.Pool.TryRent(stream), Is.True);
        var source = new TestSource(1, int.MaxValue);
        var metrics = test.Metrics;
        var transfer = test.Pool.BeginChunk(stream, 0, source, Chunk);
        var chunks = 0;

        void Send(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var room = test.Pool.WaitForRoomAsync(stream, transfer, Chunk, CancellationToken.None);
                chunks += room is { IsCompletedSuccessfully: true, Result.Length: Chunk } ? 1 : 0;
                test.Pool.BeginChunk(stream, transfer, source, Chunk);
                test.Pool.EndChunk(stream, transfer);
                metrics.ChunkSent(0, Chunk, isResent: false);
                test.Pool.OnReport(stream, (ulong)stream.Window.HandedOver, TestPool.Plenty, 0, TimeSpan.Zero);
            }
        }

        Send(1000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Send(10_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.That(chunks, Is.EqualTo(11_000));
        Assert.That(allocated, Is.LessThanOrEqualTo(PartsOfMemory), "nothing a chunk");
    }

    [Test]
    [TransportCase(47)]
    [MetricCase("Q10")]
    public void Pieces_Many_AllocateNothingInPoolAndMetrics()
    {
        var test = new TestPool();
        var stream = test.Add(out _);
        var source = new TestSource(1, 1000);

        void Send(int count)
        {
            for (var i = 0; i < count; i++)
            {
                test.Pool.TryRent(stream);
                var transfer = test.Pool.BeginChunk(stream, 0, source, 1000);
                test.Metrics.PieceSent(0, test.Pool.EndChunk(stream, transfer));
                test.Pool.EndPiece(stream, transfer);
                test.Pool.Return(stream);
                test.Pool.OnReport(stream, (ulong)stream.Window.HandedOver, TestPool.Plenty, 0, TimeSpan.Zero);
                test.Pool.OnAnswer(stream, transfer, out var piece, out var waited);
                test.Metrics.PieceAcked(waited, piece.Bytes);
            }
        }

        Send(1000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Send(10_000);

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThanOrEqualTo(PartsOfMemory), "nothing a piece");
        Assert.That(test.Pool.InFlightPieces, Is.Zero);
    }
}
