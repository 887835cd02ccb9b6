using Grpc.Core;
using Grpc.Net.Client;
using QbSync.Outcomes;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>As many streams as a peer may have, a disk that stands still, and sources that use all they are granted.</summary>
internal sealed class SixteenStreamsTests
{
    private const int Streams = 16;
    private const int PieceBytes = 128 * 1024;
    private const long Budget = 16L << 20;

    [Test]
    [TransportCase(21)]
    public async Task Streams_SixteenOnAStalledDisk_NeverHoldMoreThanTheBudgetAndNothingAtRest()
    {
        using var logs = new LogErrorGuard();
        var disk = new ManualResetEventSlim(); // not disposed: a worker may wait for it longer than the test
        using var over = new CancellationTokenSource();
        var fake = new FakeDestination { OnBegin = (_, _) => (PieceAckStatus.Pending, new FakeTransfer(PieceBytes) { OnWrite = disk.Wait }) };
        await using var server = await DestinationServer.StartAsync(fake, logs, static options => options.ReceiveBudget = Budget);
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{server.Port}");
        var invoker = channel.CreateCallInvoker();
        var hello = new HelloRequest { Lowest = 1, Highest = 1, Name = "x", SourceId = WireMapping.ToWire(new byte[16]) };
        var reply = await invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, hello).ResponseAsync.DefaultTimeout();
        var session = new Metadata { { SyncLimits.SessionKey, reply.Session.ToByteArray() } };
        var watching = Task.Run(() => WatchAsync(server, over.Token));
        try
        {
            var streams = Enumerable.Range(0, Streams).Select(_ => new RawStream(invoker, session)).ToList();
            await Task.WhenAll(streams.Select(stream => Task.Run(() => FillAsync(stream)))).DefaultTimeout();
            await Eventually.BecomesTrueAsync(() => server.Budget.InUse >= 8 * PieceBytes);
            disk.Set();
            await Task.WhenAll(streams.Select(stream => Task.Run(() => FinishAsync(stream)))).DefaultTimeout();
            await Eventually.BecomesTrueAsync(() => server.Budget is { InUse: 0, Committed: 0 } && server.Buffers.Rented == 0);
        }
        finally
        {
            disk.Set();
            await over.CancelAsync();
        }

        Assert.That(await watching, Is.LessThanOrEqualTo(Budget));
        logs.Verify();
    }

    /// <summary>Sends whole pieces as far as the first credits go; what has none waits for another's end.</summary>
    private static async Task FillAsync(RawStream stream)
    {
        await stream.OpenAsync();
        await stream.ReadUntilAsync(() => stream.Accepted);
        for (var i = 1UL; i * PieceBytes <= stream.Credit && i <= 8; i++)
        {
            await stream.BeginAsync(i, (int)i, PieceBytes);
        }
    }

    /// <summary>Sixteen pieces in all, each as soon as there is credit for it.</summary>
    private static async Task FinishAsync(RawStream stream)
    {
        for (var i = Math.Min(8, stream.FirstCredit / PieceBytes) + 1; i <= 16; i++)
        {
            await stream.ReadUntilAsync(() => stream.Credit >= i * PieceBytes);
            await stream.BeginAsync(i, (int)i, PieceBytes);
        }

        await stream.ReadUntilAsync(() => stream.Answers.Count == 16);
        Assert.That(stream.Answers.Select(static answer => answer.Status), Is.All.EqualTo(AckStatus.Accepted));
        stream.Dispose(); // what it was granted beyond is for those that wait
    }

    /// <summary>The most that was ever granted and not released.</summary>
    private static async Task<long> WatchAsync(DestinationServer server, CancellationToken over)
    {
        var most = 0L;
        while (!over.IsCancellationRequested)
        {
            most = Math.Max(most, Math.Max(server.Budget.Committed, server.Budget.InUse));
            await Task.Yield();
        }

        return most;
    }
}
