using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Net.Client;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Tests.Server;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Each end against one that somebody else wrote from the .proto with generated code, and against its own kind: the same pieces arrive.</summary>
internal sealed class GeneratedPeerTests
{
    private const int MiB = 1 << 20;
    private const int Pieces = 32;
    private const int PieceLength = 2 * MiB;

    private LogErrorGuard _log = null!;

    [SetUp]
    public void Begin() => _log = new LogErrorGuard();

    [TearDown]
    public void End()
    {
        _log.Verify();
        _log.Dispose();
    }

    [Test]
    [TransportCase(1)]
    public async Task Source_OfGeneratedCode_AllPiecesArriveAtOurs()
    {
        var intake = new TestIntake(PieceLength);
        await using var server = await PieceServer.StartAsync(intake, _log);
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{server.Port}");
        var invoker = channel.CreateCallInvoker();
        var hello = new HelloRequest { Lowest = 1, Highest = 1, Name = "generated", SourceId = WireMapping.ToWire(new byte[16]) };
        var reply = await invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, hello).ResponseAsync.DefaultTimeout();

        // RawStream writes what generated code serializes.
        using var stream = new RawStream(invoker, new Metadata { { SyncLimits.SessionKey, reply.Session.ToByteArray() } });
        await stream.OpenAsync();
        await stream.ReadUntilAsync(() => stream.Credit > 0);
        var sent = 0UL;
        for (var piece = 0; piece < Pieces; piece++)
        {
            // Chunks of any length; the destination asks for nothing but order.
            for (int offset = 0, length = MiB; offset < PieceLength; offset += length)
            {
                length = Math.Min(length - (piece * 1000), PieceLength - offset);
                var needed = sent + (ulong)Math.Max(length, SyncLimits.LeastWeight);
                await stream.ReadUntilAsync(() => stream.Credit >= needed);
                sent = needed;
                await (offset == 0
                    ? stream.BeginAsync((ulong)piece + 1, piece, length)
                    : stream.ContinueAsync((ulong)piece + 1, piece, offset, length));
            }
        }

        await stream.ReadUntilAsync(() => stream.Answers.Count == Pieces);
        Assert.That(stream.Answers, Is.EquivalentTo(Enumerable.Range(1, Pieces).Select(static transfer => ((ulong)transfer, AckStatus.Accepted))));
        Assert.That(intake.Completed.Keys.Order(), Is.EqualTo(Enumerable.Range(0, Pieces)));
    }

    [Test]
    [TransportCase(1)]
    public async Task Destination_OfGeneratedCode_AllPiecesOfOursArrive()
    {
        var destination = new GeneratedDestination(PieceLength);
        var (app, port) = await destination.StartAsync(_log);
        await using (app)
        {
            Assert.That(await SendAsync(port), Is.All.EqualTo(SendOutcome.Sent));
        }

        Assert.That(destination.Completed.Order(), Is.EqualTo(Enumerable.Range(0, Pieces)));
    }

    [Test]
    [TransportCase(1)]
    public async Task BothEnds_Ours_AllPiecesArrive()
    {
        var intake = new TestIntake(PieceLength);
        await using var server = await PieceServer.StartAsync(intake, _log);
        Assert.That(await SendAsync(server.Port), Is.All.EqualTo(SendOutcome.Sent));
        Assert.That(intake.Completed.Select(static piece => (piece.Key, piece.Value)).Order(), Is.EqualTo(Enumerable.Range(0, Pieces).Select(static piece => (piece, 1))));
    }

    private async Task<IReadOnlyCollection<SendOutcome>> SendAsync(int port)
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var options = new TransportClientOptions { Address = $"127.0.0.1:{port}", Security = new SecurityOptions { Mode = SecurityMode.Insecure } };
        var sink = new RecordingSink();
        await using var remote = new RemoteDestination(
            options, Prometheus.Metrics.WithCustomRegistry(registry), registry, _log, PatientTime.Instance, new Random(1));
        await using var link = remote.OpenLink(new Caller(Guid.NewGuid(), "test"), sink);
        ConcurrentQueue<SendOutcome> outcomes = [];
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var piece and < Pieces)
            {
                outcomes.Enqueue(await link.SendAsync(new TestSource(piece, PieceLength), CancellationToken.None));
            }
        }))).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => sink.Held.Distinct().Count() == Pieces);
        Assert.That(sink.Losses, Is.Empty);
        return outcomes;
    }
}
