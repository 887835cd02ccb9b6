using Grpc.Net.Client;
using QbSync.Outcomes;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>One torrent's disk stands still: what it holds is bounded, and others go on.</summary>
internal sealed class StalledDiskTests
{
    private const int PieceBytes = 256 * 1024;

    [Test]
    [DestinationCase(52)]
    [TransportCase(20)]
    public async Task OneTorrentsDiskStalls_OthersGoOnAndItsShareIsBounded()
    {
        using var logs = new LogErrorGuard();
        var disk = new ManualResetEventSlim(); // not disposed: a worker may wait for it longer than the test
        var fake = new FakeDestination
        {
            OnBegin = (piece, _) => (PieceAckStatus.Pending, new FakeTransfer(PieceBytes) { OnWrite = piece.Index >= 1000 ? disk.Wait : static () => { } }),
        };
        await using var server = await DestinationServer.StartAsync(
            fake, logs, options => (options.ReceiveBudget, options.StreamWindow, options.StreamWorkers) = (16 << 20, 1 << 20, 4));
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{server.Port}");
        var invoker = channel.CreateCallInvoker();
        var hello = await invoker.AsyncUnaryCall(
            SyncMethods.Hello, null, default, new HelloRequest { Lowest = 1, Highest = 1, Name = "x", SourceId = WireMapping.ToWire(new byte[16]) }).ResponseAsync.DefaultTimeout();
        var session = new Grpc.Core.Metadata { { SyncLimits.SessionKey, hello.Session.ToByteArray() } };
        try
        {
            using var stalled = new RawStream(invoker, session);
            await stalled.OpenAsync();
            await stalled.ReadUntilAsync(() => stalled.Credit > 0);
            for (var i = 1UL; i <= 4; i++)
            {
                await stalled.BeginAsync(i, 1000 + (int)i, PieceBytes);
            }

            await stalled.ReadUntilAsync(() => stalled.Received == 1 << 20);

            // All that the stalled one may hold is taken; the other sends a hundred times as much past it.
            using var other = new RawStream(invoker, session);
            await other.OpenAsync();
            await other.ReadUntilAsync(() => other.Credit > 0);
            for (var i = 1; i <= 100; i++)
            {
                await other.BeginAsync((ulong)i, i, PieceBytes);
                await other.ReadUntilAsync(() => other.Answers.Count == i);
                Assert.That(server.Budget.InUse, Is.LessThanOrEqualTo((1 << 20) + PieceBytes));
            }

            Assert.That(other.Answers.Select(static answer => answer.Status), Is.All.EqualTo(AckStatus.Accepted));
            Assert.That((stalled.Answers.Count, stalled.Credit), Is.EqualTo((0, 2UL << 20)), "a window beyond what came, whatever others do");
            disk.Set();
            await stalled.ReadUntilAsync(() => stalled.Answers.Count == 4);
        }
        finally
        {
            disk.Set();
        }

        logs.Verify();
    }
}
