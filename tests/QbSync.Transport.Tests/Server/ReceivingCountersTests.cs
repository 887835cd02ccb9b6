using Grpc.Core;
using Grpc.Net.Client;
using QbSync.Outcomes;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>What counts as received, over real gRPC on the loopback.</summary>
internal sealed class ReceivingCountersTests
{
    private const int PieceBytes = 64 * 1024;
    private const int Half = PieceBytes / 2;
    private FakeDestination _fake = null!;
    private LogErrorGuard _logs = null!;
    private DestinationServer _server = null!;
    private GrpcChannel _channel = null!;
    private RawStream _stream = null!;
    private ulong _transfer;

    [SetUp]
    public async Task SetUp()
    {
        _fake = new FakeDestination();
        _logs = new LogErrorGuard();
        _transfer = 0;
        _server = await DestinationServer.StartAsync(_fake, _logs);
        _channel = GrpcChannel.ForAddress($"http://127.0.0.1:{_server.Port}");
        var invoker = _channel.CreateCallInvoker();
        var hello = new HelloRequest { Lowest = 1, Highest = 1, Name = "test", SourceId = WireMapping.ToWire(new byte[16]) };
        var reply = await invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, hello).ResponseAsync.DefaultTimeout();
        _stream = new RawStream(invoker, new Metadata { { SyncLimits.SessionKey, reply.Session.ToByteArray() } });
        await _stream.OpenAsync();
        await _stream.ReadUntilAsync(() => _stream.Accepted);
    }

    [TearDown]
    public async Task TearDown()
    {
        _stream.Dispose();
        _channel.Dispose();
        await _server.DisposeAsync();
        _logs.Verify();
        _logs.Dispose();
    }

    /// <summary>Ten pieces, one of which comes spoiled first, and one again: twelve, whatever became of each.</summary>
    [TestCase(PieceBytes)]
    [TestCase(Half)]
    [MetricCase("C10")]
    [MetricCase("C12")]
    public async Task Pieces_SpoiledOrHeldAlready_CountLikeOthers(int chunk)
    {
        HashSet<int> begun = [];
        var (spoiled, again) = (3, 5);
        _fake.EndOf = static _ => PieceBytes;
        _fake.OnBegin = (piece, _) =>
        {
            var isFirst = begun.Add(piece.Index);
            return !isFirst && piece.Index == again
                ? (PieceAckStatus.Held, null)
                : (PieceAckStatus.Pending, new FakeTransfer(PieceBytes)
                {
                    Verdict = isFirst && piece.Index == spoiled ? PieceAckStatus.HashMismatch : PieceAckStatus.Accepted,
                });
        };
        foreach (var piece in Enumerable.Range(0, 10).Concat([spoiled, again]))
        {
            await SendAsync(piece, chunk);
        }

        await _stream.ReadUntilAsync(() => _stream.Answers.Count == 12);
        Assert.That(_stream.Answers.Count(static answer => answer.Status == AckStatus.Accepted), Is.EqualTo(10));
        await AssertAsync(pieces: 12, bytes: 12 * PieceBytes, "hash_mismatch");
    }

    [TestCase(PieceAckStatus.NotOpen, "not_open", PieceBytes)]
    [TestCase(PieceAckStatus.NotOpen, "not_open", Half)]
    [TestCase(PieceAckStatus.NoSpace, "no_space", Half)]
    [MetricCase("C10")]
    [MetricCase("C12")]
    public async Task Piece_RefusedAtItsBeginning_CountsWithItsLastChunk(PieceAckStatus status, string code, int chunk)
    {
        _fake.EndOf = static _ => PieceBytes;
        _fake.OnBegin = (_, _) => (status, null);
        await SendAsync(1, chunk);
        await _stream.ReadUntilAsync(() => _stream.Answers.Count == 1);
        await AssertAsync(pieces: 1, bytes: PieceBytes, code);
    }

    [Test]
    [MetricCase("C10")]
    [MetricCase("C12")]
    public async Task Piece_RefusedWhoseRestNeverComes_IsNotReceived()
    {
        _fake.EndOf = static _ => PieceBytes;
        _fake.OnBegin = static (piece, _) => piece.Index == 1 ? (PieceAckStatus.NotOpen, null) : (PieceAckStatus.Pending, new FakeTransfer(PieceBytes));
        await _stream.BeginAsync(++_transfer, 1, Half);
        await SendAsync(2, PieceBytes);
        await _stream.ReadUntilAsync(() => _stream.Answers.Count == 2);
        await AssertAsync(pieces: 1, bytes: PieceBytes + Half, "not_open");
    }

    private async Task SendAsync(int piece, int chunk)
    {
        await _stream.BeginAsync(++_transfer, piece, chunk);
        for (var offset = chunk; offset < PieceBytes; offset += chunk)
        {
            await _stream.ContinueAsync(_transfer, piece, offset, chunk);
        }
    }

    private async Task AssertAsync(int pieces, int bytes, string code)
    {
        // The last chunk of what was refused before may come after its answer.
        await Eventually.BecomesTrueAsync(async () => (await _server.ScrapeAsync()).Contains($"qbsync_pieces_received_total {pieces}\n", StringComparison.Ordinal));
        var scrape = await _server.ScrapeAsync();
        Assert.That(scrape, Does.Contain($"qbsync_bytes_received_total {bytes}\n"));
        Assert.That(scrape, Does.Contain($"qbsync_piece_rejections_total{{mode=\"destination\",code=\"{code}\"}} 1\n"));
    }
}
