using Grpc.Core;
using Grpc.Net.Client;
using QbSync.Outcomes;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>What is told of the workers while two streams have work and their disks stand still, and when one of the streams ends.</summary>
internal sealed class WorkerGaugesTests
{
    private const int PieceBytes = 64 * 1024;
    private static readonly InfoHash[] Torrents = [.. Enumerable.Range(1, 3).Select(static digit => InfoHash.Parse(new string((char)('0' + digit), 40)))];

    [Test]
    [MetricCase("G17"), MetricCase("G18")]
    public async Task Stream_EndsWhileItsPiecesWait_LeavesThoseOfTheOther()
    {
        using var logs = new LogErrorGuard();

        // Not disposed: a worker may wait for them longer than the test. The third torrent is the second stream's.
        ManualResetEventSlim[] disks = [new(), new()];
        var fake = new FakeDestination
        {
            OnBegin = (piece, _) => (PieceAckStatus.Pending, new FakeTransfer(PieceBytes) { OnWrite = disks[piece.Torrent == Torrents[2] ? 1 : 0].Wait }),
        };
        await using var server = await DestinationServer.StartAsync(fake, logs, static options => options.StreamWorkers = 4);
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{server.Port}");
        var invoker = channel.CreateCallInvoker();
        var hello = await invoker.AsyncUnaryCall(
            SyncMethods.Hello, null, default, new HelloRequest { Lowest = 1, Highest = 1, Name = "x", SourceId = WireMapping.ToWire(new byte[16]) }).ResponseAsync.DefaultTimeout();
        var session = new Metadata { { SyncLimits.SessionKey, hello.Session.ToByteArray() } };
        try
        {
            using var first = await OpenAsync(invoker, session);
            using var second = await OpenAsync(invoker, session);
            await SendAsync(first, Torrents[0], Torrents[0], Torrents[0], Torrents[1], Torrents[1]);
            await SendAsync(second, Torrents[2], Torrents[2], Torrents[2]);
            await ShowsAsync(server, waiting: 3 + 2, busy: 2 + 1);

            first.Dispose();
            await ShowsAsync(server, waiting: 2, busy: 2 + 1);
            disks[0].Set();
            await ShowsAsync(server, waiting: 2, busy: 1);
            disks[1].Set();
            await second.ReadUntilAsync(() => second.Answers.Count == 3);
            await ShowsAsync(server, waiting: 0, busy: 0);
            Assert.That(second.Answers.Select(static answer => answer.Status), Is.All.EqualTo(AckStatus.Accepted));
        }
        finally
        {
            Array.ForEach(disks, static disk => disk.Set());
        }

        logs.Verify();
    }

    private static async Task<RawStream> OpenAsync(CallInvoker invoker, Metadata session)
    {
        var stream = new RawStream(invoker, session);
        await stream.OpenAsync();
        await stream.ReadUntilAsync(() => stream.Credit > 0);
        return stream;
    }

    private static async Task SendAsync(RawStream stream, params InfoHash[] torrents)
    {
        for (var i = 0; i < torrents.Length; i++)
        {
            await stream.BeginAsync((ulong)i + 1, i, PieceBytes, torrents[i]);
        }
    }

    private static Task ShowsAsync(DestinationServer server, int waiting, int busy) => Eventually.BecomesTrueAsync(async () =>
    {
        var seen = Exposition.Parse(await server.ScrapeAsync());
        return (seen.Sum("qbsync_write_worker_queue_depth"), seen.Sum("qbsync_write_workers_busy")) == (waiting, busy);
    });
}
