using System.Collections.Concurrent;
using System.Globalization;
using Prometheus;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>The link against the real server, over TCP on loopback.</summary>
internal sealed class PieceLinkTests
{
    private const int MiB = 1024 * 1024;
    private static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6a"), "test");

    private readonly List<IAsyncDisposable> _open = [];
    private LogErrorGuard _log = null!;
    private RecordingSink _sink = null!;
    private CollectorRegistry _registry = null!;

    [SetUp]
    public void Begin()
    {
        _log = new LogErrorGuard();
        _sink = new RecordingSink();
        _registry = Prometheus.Metrics.NewCustomRegistry();
    }

    [TearDown]
    public async Task EndAsync()
    {
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            await _open[i].DisposeAsync().DefaultTimeout();
        }

        _open.Clear();
        _log.Verify();
        _log.Dispose();
    }

    [Test]
    [MetricCase("H04"), MetricCase("G20")]
    public async Task Link_SixtyFourPieces_ArriveAndAreAnsweredOnce()
    {
        var intake = new TestIntake(MiB);
        var server = await StartAsync(intake);
        var link = Open(server.Port);
        var sources = Enumerable.Range(0, 64).Select(index => new TestSource(index, MiB)).ToList();
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 2);

        var outcomes = await SendAsync(link, sources, senders: 4).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => _sink.Acks.Count == 64);

        Assert.That(outcomes, Has.All.EqualTo(SendOutcome.Sent));
        Assert.That(_sink.Acks.Select(ack => (ack.Piece.Index, ack.Attempt, ack.Status)), Is.EquivalentTo(
            Enumerable.Range(0, 64).Select(index => (index, (long)index, PieceAckStatus.Accepted))));
        Assert.That(intake.Completed.Select(piece => (piece.Key, piece.Value)), Is.EquivalentTo(Enumerable.Range(0, 64).Select(index => (index, 1))));
        Assert.That(sources.Select(source => source.Disposed), Has.All.EqualTo(1));
        Assert.That(_sink.Losses, Is.Empty);
        Assert.That(await SumAsync("qbsync_bytes_sent_total"), Is.EqualTo(64 * MiB));
        Assert.That(await SumAsync("qbsync_pieces_sent_total"), Is.EqualTo(64));
        Assert.That(await SumAsync("qbsync_pieces_acked_total"), Is.EqualTo(64));
        Assert.That(await SumAsync("qbsync_piece_rtt_seconds_count"), Is.EqualTo(64));
        Assert.That(await SumAsync("qbsync_inflight_pieces"), Is.Zero);
        Assert.That(await SumAsync("qbsync_grpc_connections_active"), Is.EqualTo(2));
        Assert.That(await SumAsync("qbsync_stream_pool_size"), Is.EqualTo(2));
    }

    [Test]
    public async Task Link_TinyPieces_AreAnsweredOnce()
    {
        var intake = new TestIntake(1000);
        var link = Open((await StartAsync(intake)).Port);

        await SendAsync(link, Enumerable.Range(0, 5000).Select(index => new TestSource(index, 1000)), senders: 8).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => _sink.Acks.Count >= 5000);

        Assert.That(_sink.Held.Order(), Is.EqualTo(Enumerable.Range(0, 5000)));
    }

    [Test]
    [MetricCase("C16")]
    public async Task Link_ConnectionCut_SendsOnlyItsPiecesAgainAndReconnects()
    {
        var intake = new TestIntake(MiB);
        var server = await StartAsync(intake);

        // In the middle of a connection's ninth piece.
        var relay = new TcpRelay(server.Port) { CutAfter = (8 * MiB) + (MiB / 2) };
        _open.Add(relay);
        var link = Open(relay.Port);
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 2);

        var pieces = new ConcurrentQueue<int>(Enumerable.Range(0, 96));
        var attempt = 1000L;
        var lostInHand = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var seen = 0;
            while (_sink.Held.Distinct().Count() < 96)
            {
                if (_sink.Losses.Count > seen && _sink.Losses.ElementAt(seen++) is var lost && !_sink.Held.Contains(lost.Piece.Index))
                {
                    pieces.Enqueue(lost.Piece.Index);
                }

                if (!pieces.TryDequeue(out var index))
                {
                    await Task.Yield();
                    continue;
                }

                var source = new TestSource(index, MiB) { Attempt = Interlocked.Increment(ref attempt) };
                if (await link.SendAsync(source, CancellationToken.None) == SendOutcome.Lost)
                {
                    Interlocked.Increment(ref lostInHand);
                    pieces.Enqueue(index);
                }
            }
        }))).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 2);

        Assert.That(relay.HasCut);
        Assert.That(_sink.Held.Distinct().Order(), Is.EqualTo(Enumerable.Range(0, 96)));
        Assert.That(_sink.Losses.Select(loss => loss.Cause), Has.All.EqualTo(PieceLossCause.StreamLost));
        Assert.That(lostInHand, Is.LessThanOrEqualTo(1), "one sender had the stream");
        Assert.That(await SumAsync("qbsync_stream_reconnects_total"), Is.EqualTo(1));
        Assert.That(_sink.Changes, Is.EqualTo(new[] { true }), "the other stream stayed");
    }

    [Test]
    public async Task Link_ServerComesLater_ConnectsByItself()
    {
        var port = FreePorts.Take();
        var intake = new TestIntake(1000);
        var link = Open(port);
        var sending = link.SendAsync(new TestSource(1, 1000), CancellationToken.None).AsTask();
        await Eventually.BecomesTrueAsync(async () => await SumAsync("qbsync_stream_open_errors_total") >= 2);
        Assert.That((sending.IsCompleted, link.OpenStreams, _sink.Changes.Count), Is.EqualTo((false, 0, 0)));

        await StartAsync(intake, port);

        Assert.That(await sending.DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
        await Eventually.BecomesTrueAsync(() => _sink.Held.Any() && !_sink.Changes.IsEmpty);
        Assert.That(_sink.Changes, Is.EqualTo(new[] { true }));
    }

    [Test]
    [MetricCase("C16")]
    public async Task Link_ServerStops_SaysSoAndComesBack()
    {
        var intake = new TestIntake(1000);
        var server = await StartAsync(intake, FreePorts.Take());
        var link = Open(server.Port);
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 2);

        _open.Remove(server);
        await server.DisposeAsync().DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => _sink.Changes.SequenceEqual([true, false]));
        await StartAsync(intake, server.Port);

        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 2 && _sink.Changes.Count >= 3);
        Assert.That(_sink.Changes, Is.EqualTo(new[] { true, false, true }));
        Assert.That(await SumAsync("qbsync_stream_reconnects_total"), Is.EqualTo(2));
    }

    [Test]
    public async Task Link_Nacks_Surface()
    {
        var intake = new TestIntake(MiB)
        {
            OnBegin = static piece => piece.Index == 1 ? PieceAckStatus.NotOpen : PieceAckStatus.Pending,
            OnWhole = static piece => piece.Index == 2 ? PieceAckStatus.StorageError : PieceAckStatus.Accepted,
        };
        var link = Open((await StartAsync(intake)).Port);

        await SendAsync(link, Enumerable.Range(0, 4).Select(index => new TestSource(index, MiB)), senders: 1).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => _sink.Acks.Count == 4);

        Assert.That(_sink.Acks.OrderBy(ack => ack.Piece.Index).Select(ack => ack.Status), Is.EqualTo(new[]
        {
            PieceAckStatus.Accepted, PieceAckStatus.NotOpen, PieceAckStatus.StorageError, PieceAckStatus.Accepted,
        }));
        Assert.That(await SumAsync("qbsync_pieces_failed_total"), Is.EqualTo(2));
        Assert.That(await SumAsync("qbsync_piece_rejections_total"), Is.EqualTo(2));
    }

    [Test]
    [MetricCase("C37")]
    public async Task Link_SinkThrows_OneStreamEndsAndTheLinkGoesOn()
    {
        var intake = new TestIntake(1000);
        var link = Open((await StartAsync(intake)).Port);
        _log.Expect(TransportEventIds.SinkFailed);
        _sink.OnAcked = static ack =>
        {
            if (ack.Piece.Index == 3)
            {
                throw new InvalidOperationException("The test's sink fails.");
            }
        };

        // Who is still handing a piece over when its stream ends learns of it by that call, not by the sink.
        var outcomes = await SendAsync(link, Enumerable.Range(0, 10).Select(index => new TestSource(index, 1000)), senders: 1).DefaultTimeout();
        var sent = outcomes.Count(static outcome => outcome == SendOutcome.Sent);
        await Eventually.BecomesTrueAsync(() => _sink.Acks.Count + _sink.Losses.Count >= sent);
        await Eventually.BecomesTrueAsync(async () => await SumAsync("qbsync_stream_reconnects_total") == 1 && link.OpenStreams == 2);

        Assert.That(_log.Entries.Count(entry => entry.Id.Id == TransportEventIds.SinkFailed), Is.EqualTo(1));
    }

    [Test]
    public async Task Dispose_AnswersOnTheirWay_AreAwaited()
    {
        var release = new ManualResetEventSlim(); // not disposed: a worker may wait for it longer than the test
        var intake = new TestIntake(1000) { OnWhole = _ => release.Wait(TimeSpan.FromMinutes(5)) ? PieceAckStatus.Accepted : PieceAckStatus.Busy };
        var link = Open((await StartAsync(intake)).Port);
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 2);
        await SendAsync(link, [new TestSource(1, 1000)], senders: 1).DefaultTimeout();

        _open.Remove(link);
        var disposing = link.DisposeAsync().AsTask();
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 0);
        Assert.That(disposing.IsCompleted, Is.False);
        release.Set();
        await disposing.DefaultTimeout();

        Assert.That(_sink.Held, Is.EqualTo(new[] { 1 }));
        Assert.That((_sink.Losses.Count, await SumAsync("qbsync_drain_timeout_pieces_lost_total")), Is.EqualTo((0, 0.0)));
        Assert.That(await SumAsync("qbsync_receive_acks_exit_total"), Is.EqualTo(2));
        Assert.That(await SumAsync("qbsync_receive_acks_exit_total{reason=\"context_cancel\"}"), Is.EqualTo(2));
    }

    [Test]
    [MetricCase("C18")]
    public async Task Dispose_AnswersWithheld_AreCountedAndLost()
    {
        var release = new ManualResetEventSlim(); // not disposed: a worker may wait for it longer than the test
        var intake = new TestIntake(1000) { OnWhole = _ => release.Wait(TimeSpan.FromMinutes(5)) ? PieceAckStatus.Accepted : PieceAckStatus.Busy };
        var link = Open((await StartAsync(intake)).Port, options => options.DrainTimeout = TimeSpan.FromSeconds(1));
        await SendAsync(link, Enumerable.Range(0, 3).Select(index => new TestSource(index, 1000)), senders: 1).DefaultTimeout();

        _open.Remove(link);
        var closing = link.DisposeAsync();
        await Eventually.BecomesTrueAsync(async () => await SumAsync("qbsync_drain_timeout_pieces_lost_total") == 3);

        // What is answered now was given up, and is not counted as held besides.
        release.Set();
        await closing.DefaultTimeout();
        Assert.That(_sink.Losses.Select(loss => loss.Cause), Is.EqualTo(Enumerable.Repeat(PieceLossCause.Closed, 3)));
        Assert.That(await SumAsync("qbsync_drain_timeout_pieces_lost_total"), Is.EqualTo(3));
        Assert.That((await SumAsync("qbsync_pieces_failed_total"), await SumAsync("qbsync_pieces_acked_total")), Is.EqualTo((3.0, 0.0)));
        Assert.That(await link.SendAsync(new TestSource(9, 10), CancellationToken.None), Is.EqualTo(SendOutcome.Lost));
    }

    /// <summary>What a stream carries while the disk writes nothing for two seconds at a quarter of a gigabit, over one stream.</summary>
    [Test]
    [TransportCase(20)]
    public async Task Link_DiskStandsStill_GoesOnUpToTheBudget()
    {
        var disk = new ManualResetEventSlim(); // not disposed: a worker may wait for it longer than the test
        var intake = new TestIntake(MiB)
        {
            OnWhole = _ =>
            {
                disk.Wait();
                return PieceAckStatus.Accepted;
            },
        };
        var link = Open((await StartAsync(intake)).Port, options => (options.MinConnections, options.MaxConnections, options.MaxStreamsPerConnection) = (1, 1, 1));
        try
        {
            var outcomes = await SendAsync(link, Enumerable.Range(0, 64).Select(index => new TestSource(index, MiB)), senders: 1).DefaultTimeout();
            Assert.That((outcomes.Count, _sink.Held.Count()), Is.EqualTo((64, 0)));
        }
        finally
        {
            disk.Set();
        }

        await Eventually.BecomesTrueAsync(() => _sink.Acks.Count == 64);
        Assert.That(_sink.Losses, Is.Empty);
    }

    private static async Task<List<SendOutcome>> SendAsync(IPieceLink link, IEnumerable<TestSource> sources, int senders)
    {
        var queue = new ConcurrentQueue<TestSource>(sources);
        var outcomes = new ConcurrentQueue<SendOutcome>();
        await Task.WhenAll(Enumerable.Range(0, senders).Select(_ => Task.Run(async () =>
        {
            while (queue.TryDequeue(out var source))
            {
                outcomes.Enqueue(await link.SendAsync(source, CancellationToken.None));
            }
        })));
        return [.. outcomes];
    }

    private async Task<PieceServer> StartAsync(TestIntake intake, int port = 0)
    {
        var server = await PieceServer.StartAsync(intake, _log, port);
        _open.Add(server);
        return server;
    }

    private IPieceLink Open(int port, Action<TransportClientOptions>? configure = null)
    {
        var options = new TransportClientOptions
        {
            Address = $"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}",
            ReconnectMaxDelay = TimeSpan.FromSeconds(1),
            Security = new() { Mode = SecurityMode.Insecure },

            // Streams and connections are counted here: none comes by an experiment, however long a test takes.
            Scaling = false,
        };
        configure?.Invoke(options);
        var destination = new RemoteDestination(
            options, Prometheus.Metrics.WithCustomRegistry(_registry), _registry, _log, TimeProvider.System, new Random(1));
        _open.Add(destination);
        var link = destination.OpenLink(Caller, _sink);
        _open.Add(link);
        return link;
    }

    /// <summary>Sum of a family's series, or the value of one, as they are scraped.</summary>
    private async Task<double> SumAsync(string series)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(_registry, text);
        return System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n')
            .Where(line => line.StartsWith(series + " ", StringComparison.Ordinal) || line.StartsWith(series + "{", StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
