using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Net.Client;
using QbSync.Outcomes;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Health;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>Piece streams of a source that keeps to nothing, over real gRPC on the loopback.</summary>
internal sealed class PieceStreamTests
{
    private const int PieceBytes = 64 * 1024;
    private const int Half = PieceBytes / 2;
    private readonly List<RawStream> _streams = [];
    private FakeDestination _fake = null!;
    private LogErrorGuard _logs = null!;
    private DestinationServer _server = null!;
    private GrpcChannel _channel = null!;
    private CallInvoker _invoker = null!;
    private Metadata _session = null!;

    [SetUp]
    public async Task SetUp()
    {
        _fake = new FakeDestination();
        _logs = new LogErrorGuard();
        await StartAsync();
    }

    [TearDown]
    public async Task TearDown()
    {
        _streams.ForEach(stream => stream.Dispose());
        _streams.Clear();
        _channel.Dispose();
        await AssertAtRestAsync();
        await _server.DisposeAsync();
        _logs.Verify();
        _logs.Dispose();
    }

    [Test]
    public async Task Piece_InTwoChunks_IsWrittenAndAccepted()
    {
        var stream = await OpenAsync();
        Assert.That(stream.Credit, Is.EqualTo(16UL << 20));
        await stream.BeginAsync(1, 5, Half);
        await stream.ContinueAsync(1, 5, Half, Half);
        await stream.ReadUntilAsync(() => stream.Answers.Count == 1 && stream.Credit == (16UL << 20) + PieceBytes);
        Assert.That(stream.Answers, Is.EqualTo(new[] { (1UL, AckStatus.Accepted) }));
        Assert.That(stream.Received, Is.EqualTo((ulong)PieceBytes));
        var transfer = _fake.Pieces.Single();
        Assert.That(transfer.Key.Index, Is.EqualTo(5));
        Assert.That(transfer.Value.Bytes[40_000], Is.EqualTo(TestSource.ByteAt(5, 40_000)));
        Assert.That(transfer.Value.Disposed, Is.EqualTo(1));
        var scrape = await _server.ScrapeAsync();
        Assert.That(scrape, Does.Contain("qbsync_pieces_received_total 1\n").And.Contain($"qbsync_bytes_received_total {PieceBytes}\n"));
    }

    [Test]
    public async Task Piece_EachVerdictAtTheEnd_IsAnswered()
    {
        var verdicts = Enum.GetValues<PieceAckStatus>().Except([PieceAckStatus.Pending, PieceAckStatus.Malformed]).ToList();
        _fake.OnBegin = (piece, _) => (PieceAckStatus.Pending, new FakeTransfer(100) { Verdict = verdicts[piece.Index] });
        var stream = await OpenAsync();
        for (var i = 0; i < verdicts.Count; i++)
        {
            await stream.BeginAsync((ulong)i + 1, i, 100);
        }

        await stream.ReadUntilAsync(() => stream.Answers.Count == verdicts.Count);
        Assert.That(stream.Answers, Is.EquivalentTo(verdicts.Select((verdict, i) => ((ulong)i + 1, (AckStatus)verdict))));
        Assert.That(await _server.ScrapeAsync(), Does.Contain("qbsync_piece_rejections_total{mode=\"destination\",code=\"no_space\"} 1\n"));
    }

    [Test]
    public async Task Piece_RefusedAtItsBeginning_IsAnsweredOnceAndItsChunksAreDropped()
    {
        _fake.OnBegin = (_, _) => (PieceAckStatus.NotOpen, null);
        var stream = await OpenAsync();
        await stream.BeginAsync(1, 5, Half);
        await stream.ContinueAsync(1, 5, Half, Half);
        await stream.ReadUntilAsync(() => stream.Answers.Count > 0 && stream.Credit == (16UL << 20) + PieceBytes);
        await SendWholeAsync(stream, 2);
        await stream.ReadUntilAsync(() => stream.Answers.Count > 1);
        Assert.That(stream.Answers, Is.EqualTo(new[] { (1UL, AckStatus.NotOpen), (2UL, AckStatus.NotOpen) }));
    }

    [Test]
    [DestinationCase(51)]
    public async Task Piece_Cancelled_IsGivenUpWithoutAnAnswer()
    {
        var stream = await OpenAsync();
        await stream.BeginAsync(1, 5, Half);
        await stream.SendAsync(new SourceFrame { Cancel = new CancelPiece { Transfer = 1 } });
        await stream.ContinueAsync(1, 5, Half, Half);
        await SendWholeAsync(stream, 2);
        await stream.ReadUntilAsync(() => stream.Answers.Count > 0);
        Assert.That(stream.Answers, Is.EqualTo(new[] { (2UL, AckStatus.Accepted) }));
        Assert.That(_fake.Pieces.Values.Select(transfer => transfer.Disposed), Is.All.EqualTo(1));
    }

    [TestCase("garbage")]
    [TestCase("empty chunk")]
    [TestCase("short id")]
    [TestCase("not begun")]
    [TestCase("number again")]
    [TestCase("offset")]
    [TestCase("too long")]
    [TestCase("nine open")]
    [TestCase("open twice")]
    [TestCase("used credit returned")]
    [TransportCase(21)]
    [TransportCase(13)]
    public async Task Frame_ThatIsWrong_EndsItsStreamAndNoOther(string wrong)
    {
        var good = await OpenAsync();
        await good.BeginAsync(1, 1, Half);
        var bad = await OpenAsync();
        await SendWrongAsync(bad, wrong);
        Assert.That(await bad.ReadToEndAsync(), Is.EqualTo(StatusCode.InvalidArgument));
        await good.ContinueAsync(1, 1, Half, Half);
        await good.ReadUntilAsync(() => good.Answers.Count == 1);
        Assert.That(good.Answers.Single().Status, Is.EqualTo(AckStatus.Accepted));
        Assert.That(_fake.Pieces.Values.Select(transfer => transfer.Disposed), Is.All.EqualTo(1));
    }

    [Test]
    [TransportCase(13)]
    public async Task Stream_ThatDoesNotBeginWithOpen_Ends()
    {
        var stream = NewStream();
        await stream.BeginAsync(1, 1, Half);
        Assert.That(await stream.ReadToEndAsync(), Is.EqualTo(StatusCode.InvalidArgument));
    }

    [Test]
    [DestinationCase(51)]
    public async Task Intake_Throws_StreamEndsInternalAndNoOther()
    {
        _logs.Expect(TransportEventIds.VerbFailed);
        _fake.OnBegin = (piece, _) => piece.Index == 1 ? throw new InvalidOperationException("bug") : (PieceAckStatus.Pending, new FakeTransfer(PieceBytes));
        var good = await OpenAsync();
        var bad = await OpenAsync();
        await bad.BeginAsync(1, 1, 10);
        Assert.That(await bad.ReadToEndAsync(), Is.EqualTo(StatusCode.Internal));
        await SendWholeAsync(good, 2);
        await good.ReadUntilAsync(() => good.Answers.Count == 1);
    }

    [Test]
    [DestinationCase(51)]
    public async Task Stream_DroppedInMidPiece_GivesThePieceUp()
    {
        var stream = await OpenAsync();
        await stream.BeginAsync(1, 5, Half);
        await stream.ReadUntilAsync(() => stream.Received > 0);
        stream.Dispose();
        await Eventually.BecomesTrueAsync(() => _fake.Pieces.Values.All(transfer => transfer.Disposed == 1));
        await AssertAtRestAsync();
    }

    [Test]
    public async Task Stream_ClosedByTheSource_EndsWithAllAnswers()
    {
        var stream = await OpenAsync();
        for (var i = 1UL; i <= 20; i++)
        {
            await SendWholeAsync(stream, i);
        }

        await stream.CompleteAsync();
        Assert.That(await stream.ReadToEndAsync(), Is.EqualTo(StatusCode.OK));
        Assert.That(stream.Answers, Has.Count.EqualTo(20));
    }

    [Test]
    public async Task Stream_ServerStops_EndsWithAllAnswers()
    {
        var disk = new ManualResetEventSlim(); // not disposed: a worker may wait for it longer than the test
        _fake.OnBegin = (_, _) => (PieceAckStatus.Pending, new FakeTransfer(PieceBytes) { OnWrite = disk.Wait });
        var stream = await OpenAsync();
        await SendWholeAsync(stream, 1);
        await stream.ReadUntilAsync(() => stream.Received == PieceBytes);
        var stopping = _server.DisposeAsync();
        disk.Set();
        await stream.ReadUntilAsync(() => stream.Answers.Count == 1);

        // The server resets a request that it did not read to its end (RFC 9113, 8.1); a client that sees that before the trailers takes it for the end.
        Assert.That(await stream.ReadToEndAsync(), Is.EqualTo(StatusCode.OK).Or.EqualTo(StatusCode.Internal));
        Assert.That(stream.Answers, Has.Count.EqualTo(1));
        await stopping.DefaultTimeout();
        await StartAsync();
    }

    [Test]
    [DestinationCase(51)]
    [TransportCase(21)]
    public async Task Disk_Stalls_CreditBoundsWhatIsTakenAndBeyondItTheStreamEnds()
    {
        await RestartAsync(options => (options.ReceiveBudget, options.StreamWindow, options.StreamWorkers) = (16 << 20, 1 << 20, 2));
        var disk = new ManualResetEventSlim(); // not disposed: a worker may wait for it longer than the test
        _fake.OnBegin = (_, _) => (PieceAckStatus.Pending, new FakeTransfer(256 << 10) { OnWrite = disk.Wait });
        try
        {
            // With twelve streams each one's part of the budget is what its window is.
            var stream = await OpenAsync();
            var other = await OpenAsync();
            for (var i = 0; i < 10; i++)
            {
                await OpenAsync();
            }

            Assert.That(stream.Credit, Is.EqualTo(1UL << 20));
            for (var i = 1UL; i <= 4; i++)
            {
                await stream.BeginAsync(i, (int)i, 256 << 10);
            }

            await stream.ReadUntilAsync(() => stream.Received == 1 << 20);
            Assert.That((stream.Credit, stream.Answers.Count), Is.EqualTo((1UL << 20, 0)));
            Assert.That(_server.Budget.InUse, Is.EqualTo(1 << 20));
            await Eventually.BecomesTrueAsync(() => _server.Workers.Snapshot == (3, 1));
            await SendWholeAsync(other, 1, 256 << 10);
            await other.ReadUntilAsync(() => other.Received > 0);
            Assert.That(_server.Budget.Committed, Is.LessThanOrEqualTo(_server.Budget.Limit));
            await stream.BeginAsync(5, 5, 1);
            await StreamBrokenAsync();
            disk.Set();
            Assert.That(await stream.ReadToEndAsync(), Is.EqualTo(StatusCode.InvalidArgument));
            await other.ReadUntilAsync(() => other.Answers.Count == 1);
        }
        finally
        {
            disk.Set();
        }
    }

    [Test]
    [DestinationCase(51)]
    [DestinationCase(53)]
    [MetricCase("G17"), MetricCase("G18"), MetricCase("A21")]
    public async Task Streams_EndAtDifferentTimesUnderLoad_GaugesStayWithinTheModelAndReturnToZero()
    {
        const int Streams = 8;
        const int Pieces = 24;
        await RestartAsync(options => options.StreamWorkers = 3);
        ConcurrentQueue<(int Waiting, int Busy)> seen = new();
        _fake.OnBegin = (_, _) => (PieceAckStatus.Pending, new FakeTransfer(PieceBytes) { OnWrite = () => seen.Enqueue(_server.Workers.Snapshot) });
        List<RawStream> streams = [];
        for (var i = 0; i < Streams; i++)
        {
            streams.Add(await OpenAsync());
        }

        // Odd ones are lost in the middle of a piece, each after another number of pieces; even ones send everything and see every answer.
        await Task.WhenAll(streams.Select((stream, index) => Task.Run(async () =>
        {
            var pieces = index % 2 == 0 ? Pieces : 2 * index;
            for (var i = 1; i <= pieces; i++)
            {
                await stream.BeginAsync((ulong)i, index * 1000 + i, PieceBytes);
            }

            if (index % 2 == 0)
            {
                await stream.ReadUntilAsync(() => stream.Answers.Count == Pieces);
            }
            else
            {
                await stream.BeginAsync((ulong)pieces + 1, index * 1000 + pieces + 1, Half);
            }

            stream.Dispose();
        }))).DefaultTimeout();

        await AssertAtRestAsync();
        Assert.That(seen.Select(static snapshot => snapshot.Waiting), Is.All.InRange(0, Streams * Pieces));
        Assert.That(seen.Select(static snapshot => snapshot.Busy), Is.All.InRange(1, 3));
        Assert.That(
            await _server.ScrapeAsync(),
            Does.Contain("qbsync_write_worker_queue_depth 0\n").And.Contain("qbsync_write_workers_busy 0\n").And.Contain("qbsync_receive_budget_bytes_in_use 0\n"));
    }

    [Test]
    [TransportCase(21)]
    public async Task Chunks_OfOneByte_WeighFourKibibytes()
    {
        await RestartAsync(options => (options.ReceiveBudget, options.StreamWindow) = (16 << 20, 1 << 20));
        var disk = new ManualResetEventSlim(); // not disposed: a worker may wait for it longer than the test
        _fake.OnBegin = (_, _) => (PieceAckStatus.Pending, new FakeTransfer(1000) { OnWrite = disk.Wait });
        try
        {
            var stream = await OpenAsync();
            for (var i = 0; i < 11; i++)
            {
                await OpenAsync();
            }

            await stream.BeginAsync(1, 1, 1);
            for (var i = 1; i <= 256; i++)
            {
                await stream.ContinueAsync(1, 1, i, 1);
            }

            await stream.ReadUntilAsync(() => stream.Received == 1 << 20);
            await StreamBrokenAsync();
            disk.Set();
            Assert.That(await stream.ReadToEndAsync(), Is.EqualTo(StatusCode.InvalidArgument));
        }
        finally
        {
            disk.Set();
        }
    }

    [Test]
    public async Task Credit_Returned_IsConfirmedAndGrownAgainByUse()
    {
        var stream = await OpenAsync();
        await stream.SendAsync(new SourceFrame { ReturnCredit = new ReturnCredit { Limit = 1 << 20 } });
        await stream.ReadUntilAsync(() => stream.Returns == 1);
        Assert.That(stream.Credit, Is.EqualTo(1UL << 20));
        await SendWholeAsync(stream, 1);
        await stream.ReadUntilAsync(() => stream.Credit == (16UL << 20) + PieceBytes);
    }

    [Test]
    [MetricCase("C27")]
    public async Task Streams_MoreThanTheLimit_AreRefusedAndCounted()
    {
        await RestartAsync(options => options.MaxStreams = 2);
        await OpenAsync();
        await OpenAsync();
        var third = NewStream();
        await third.OpenAsync();
        Assert.That(await third.ReadToEndAsync(), Is.EqualTo(StatusCode.ResourceExhausted));
        Assert.That(await _server.ScrapeAsync(), Does.Contain("qbsync_stream_open_errors_total{mode=\"destination\"} 1\n"));
    }

    [Test]
    [MetricCase("C27")]
    public async Task Streams_WhileTheServerStops_AreRefusedAndCounted()
    {
        var open = await OpenAsync();
        Assert.That(await _server.ScrapeAsync(), Does.Contain("qbsync_stream_open_errors_total{mode=\"destination\"} 0\n"));
        _server.BeginStopping();
        await open.ReadToEndAsync();

        var late = NewStream();
        await late.OpenAsync();
        Assert.That(await late.ReadToEndAsync(), Is.Not.EqualTo(StatusCode.OK));
        Assert.That(await _server.ScrapeAsync(), Does.Contain("qbsync_stream_open_errors_total{mode=\"destination\"} 1\n"), "not the one that was open");
    }

    [Test]
    public async Task Stream_OfAnUnknownSession_AsksForHello()
    {
        using var stream = new RawStream(_invoker, new Metadata { { SyncLimits.SessionKey, new byte[16] } });
        await stream.OpenAsync();
        Assert.That(await stream.ReadToEndAsync(), Is.EqualTo(StatusCode.FailedPrecondition));
    }

    [Test]
    [MetricCase("A22")]
    public async Task Metrics_OfAFreshServer_AreThereAtZero()
    {
        var scrape = await _server.ScrapeAsync();
        foreach (var line in new[]
        {
            "qbsync_pieces_received_total 0",
            "qbsync_bytes_received_total 0",
            "qbsync_write_worker_queue_depth 0",
            "qbsync_write_workers_busy 0",
            "qbsync_receive_budget_bytes_in_use 0",
            "qbsync_receive_budget_limit_bytes 536870912",
            "qbsync_stream_open_errors_total{mode=\"destination\"} 0",
            "qbsync_peer_auth_failures_total{mode=\"destination\"} 0",
            "qbsync_piece_rejections_total{mode=\"destination\",code=\"malformed\"} 0",
            "qbsync_metrics_collect_errors_total{owner=\"transport\"} 0",
        })
        {
            Assert.That(scrape, Does.Contain(line + "\n"));
        }

        Assert.That(scrape, Does.Not.Contain("qbsync_pieces_sent_total"));
    }

    [Test]
    public async Task Health_Asked_IsServing()
    {
        var method = new Method<HealthCheckRequest, HealthCheckResponse>(
            MethodType.Unary,
            "grpc.health.v1.Health",
            "Check",
            SyncMethods.CreateMarshaller(HealthCheckRequest.Parser),
            SyncMethods.CreateMarshaller(HealthCheckResponse.Parser));
        var answer = await _invoker.AsyncUnaryCall(method, null, default, new HealthCheckRequest { Service = "qbsync.v1.Sync" }).ResponseAsync.DefaultTimeout();
        Assert.That(answer.Status, Is.EqualTo(HealthCheckResponse.Types.ServingStatus.Serving));
    }

    [Test]
    public void Verb_ThatIsNotServed_IsUnimplemented()
    {
        var method = new Method<ProveRequest, ProveReply>(
            MethodType.Unary, SyncMethods.ServiceName, "Rewind", SyncMethods.CreateMarshaller(ProveRequest.Parser), SyncMethods.CreateMarshaller(ProveReply.Parser));
        var call = _invoker.AsyncUnaryCall(method, null, new CallOptions(_session), new ProveRequest());
        Assert.That(
            async () => await call.ResponseAsync.DefaultTimeout(),
            Throws.TypeOf<RpcException>().With.Property(nameof(RpcException.StatusCode)).EqualTo(StatusCode.Unimplemented));
    }

    [TestCase(2U, 3U)]
    [TestCase(0U, 0U)]
    [TransportCase(4)]
    public async Task Hello_WithoutACommonProtocol_NamesBothRanges(uint lowest, uint highest)
    {
        var request = new HelloRequest { Lowest = lowest, Highest = highest, SourceId = WireMapping.ToWire(new byte[16]) };
        var reply = await _invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, request).ResponseAsync.DefaultTimeout();
        Assert.That((int)reply.Refusal.Reason, Is.EqualTo((int)Outcomes.RefusalReason.ProtocolMismatch));
        Assert.That(reply.Refusal.Detail, Does.Contain($"{lowest} to {highest}").And.Contain("1"));
        Assert.That(reply.Session.IsEmpty);
    }

    [Test]
    [TransportCase(4)]
    public async Task Hello_OfANewerSourceWithUnknownCapabilities_IsAnswered()
    {
        var request = new HelloRequest { Lowest = 1, Highest = 3, SourceId = WireMapping.ToWire(new byte[16]), Capability = { 7, 99 } };
        var reply = await _invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, request).ResponseAsync.DefaultTimeout();
        Assert.That((reply.Protocol, reply.Capability.Count), Is.EqualTo((1U, 0)));
    }

    private static async Task SendWrongAsync(RawStream stream, string wrong)
    {
        switch (wrong)
        {
            case "garbage":
                await stream.SendAsync(0x12, 0xff, 0xff, 0xff, 0xff, 0x0f, 1);
                break;
            case "empty chunk":
                await stream.BeginAsync(1, 1, 0);
                break;
            case "short id":
                await stream.SendAsync(new SourceFrame
                {
                    Chunk = new PieceChunk { Transfer = 1, Id = WireMapping.ToWire(new byte[3]), Data = WireMapping.ToWire(new byte[3]) },
                });
                break;
            case "not begun":
                await stream.ContinueAsync(1, 1, 0, 10);
                break;
            case "number again":
                await stream.BeginAsync(2, 1, 10);
                await stream.BeginAsync(2, 1, 10);
                break;
            case "offset":
                await stream.BeginAsync(1, 1, 10, offset: 1000);
                break;
            case "too long":
                await stream.BeginAsync(1, 1, PieceBytes + 1);
                break;
            case "nine open":
                for (var i = 1UL; i <= 9; i++)
                {
                    await stream.BeginAsync(i, (int)i, 10);
                }

                break;
            case "open twice":
                await stream.OpenAsync();
                break;
            default:
                await SendWholeAsync(stream, 1);
                await stream.SendAsync(new SourceFrame { ReturnCredit = new ReturnCredit { Limit = 10 } });
                break;
        }
    }

    /// <summary>The reader saw what was wrong, while the disk still stands.</summary>
    private Task StreamBrokenAsync() =>
        Eventually.BecomesTrueAsync(() => _logs.Entries.Any(entry => entry.Id.Id == TransportEventIds.StreamBroken));

    private static Task SendWholeAsync(RawStream stream, ulong transfer, int length = PieceBytes) =>
        stream.BeginAsync(transfer, (int)transfer, length);

    private async Task StartAsync(Action<TransportServerOptions>? configure = null)
    {
        _server = await DestinationServer.StartAsync(_fake, _logs, configure);
        _channel = GrpcChannel.ForAddress($"http://127.0.0.1:{_server.Port}");
        _invoker = _channel.CreateCallInvoker();
        var hello = new HelloRequest { Lowest = 1, Highest = 1, Name = "test", SourceId = WireMapping.ToWire(new byte[16]) };
        var reply = await _invoker.AsyncUnaryCall(SyncMethods.Hello, null, default, hello).ResponseAsync.DefaultTimeout();
        _session = new Metadata { { SyncLimits.SessionKey, reply.Session.ToByteArray() } };
    }

    private async Task RestartAsync(Action<TransportServerOptions> configure)
    {
        _channel.Dispose();
        await _server.DisposeAsync();
        await StartAsync(configure);
    }

    private RawStream NewStream()
    {
        var stream = new RawStream(_invoker, _session);
        _streams.Add(stream);
        return stream;
    }

    private async Task<RawStream> OpenAsync()
    {
        var stream = NewStream();
        await stream.OpenAsync();
        await stream.ReadUntilAsync(() => stream.Credit > 0);
        return stream;
    }

    /// <summary>No buffer is out, no budget is used, nobody works.</summary>
    private Task AssertAtRestAsync() => Eventually.BecomesTrueAsync(() =>
        _server.Buffers.Rented == 0 && _server.Budget.InUse == 0 && _server.Budget.Committed == 0 && _server.Workers.Snapshot == (0, 0));
}
