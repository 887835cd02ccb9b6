using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Streams and connections that end for a reason of their own: only what they carried is due again.</summary>
internal sealed class LinkFailureTests
{
    private const int Pieces = 20;

    // Longer than any test: what a test holds goes on when it says so, or has failed.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private LinkRig _rig = null!;
    private ManualResetEventSlim _release = null!;

    [SetUp]
    public void Begin()
    {
        _rig = new LinkRig();
        _release = new ManualResetEventSlim();
    }

    [TearDown]
    public async Task EndAsync()
    {
        _release.Set();
        await _rig.DisposeAsync();
        _release.Dispose();
    }

    /// <summary>Each way in which an ack loop can end, with pieces in flight: a reason each, and one end for each attempt.</summary>
    [TestCase("context_cancel")]
    [TestCase("eof")]
    [TestCase("error")]
    [TestCase("error", true)]
    [TransportCase(29)]
    [TransportCase(34)]
    [TransportCase(39)]
    [MetricCase("C37")]
    public async Task AckLoop_EndsWithPiecesInFlight_HasItsReasonAndEachAttemptOneEnd(string reason, bool sinkThrows = false)
    {
        var intake = new TestIntake(1000)
        {
            OnWhole = _ => sinkThrows || _release.Wait(Patience) ? PieceAckStatus.Accepted : PieceAckStatus.Busy,
        };
        var server = await _rig.StartAsync(intake);
        var relay = _rig.Own(new TcpRelay(server.Port));
        if (sinkThrows)
        {
            _rig.Log.Expect(TransportEventIds.SinkFailed);
            _rig.Sink.OnAcked = static ack => throw new InvalidOperationException("The test's sink fails.");
        }

        _rig.Open(relay.Port, static options =>
        {
            options.MinConnections = 1;
            options.DrainTimeout = TimeSpan.FromSeconds(1);
        });
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 1);
        var outcomes = await _rig.SendAsync(Enumerable.Range(0, Pieces).Select(index => new TestSource(index, 1000))).DefaultTimeout();

        switch (reason)
        {
            case "context_cancel":
                await _rig.CloseAsync(_rig.Link);
                break;
            case "eof":
                _rig.Link.OnPeerStopping();
                break;
            case "error" when !sinkThrows:
                relay.CutAll();
                break;
        }

        // What SendAsync said to be lost had no other end.
        var sent = outcomes.Count(outcome => outcome == SendOutcome.Sent);
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync($"qbsync_receive_acks_exit_total{{reason=\"{reason}\"}}") >= 1);
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count + _rig.Sink.Losses.Count == sent);
        _release.Set();
        if (reason != "context_cancel")
        {
            await _rig.CloseAsync(_rig.Link);
        }

        var ends = _rig.Sink.Acks.Select(ack => ack.Attempt).Concat(_rig.Sink.Losses.Select(loss => loss.Attempt)).ToList();
        Assert.That(ends, Is.Unique);
        Assert.That(ends, Has.Count.EqualTo(sent));
        Assert.That(await _rig.SumAsync("qbsync_inflight_pieces"), Is.Zero);
        Assert.That(await _rig.SumAsync("qbsync_stream_pool_size"), Is.Zero);
        Assert.That(await _rig.SumAsync("qbsync_drain_timeout_pieces_lost_total"), Is.EqualTo(reason == "context_cancel" ? sent : 0));
    }

    [Test]
    [TransportCase(34)]
    public async Task AckLoop_SinkTakesNothing_EndsTheStreamAndItsPiecesAreDueAgain()
    {
        // More answers than wait between the stream and a sink.
        const int Many = 4300;
        _rig.Sink.OnAcked = _ => _release.Wait(Patience);
        _rig.Open((await _rig.StartAsync(new TestIntake(10))).Port, static options =>
        {
            options.MinConnections = 1;
            options.AckSinkTimeout = TimeSpan.FromSeconds(1);
        });

        var sending = _rig.SendAsync(Enumerable.Range(0, Many).Select(index => new TestSource(index, 10)), senders: 2);
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_ack_channel_blocked_total") == 1);
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total{reason=\"ack_channel_blocked\"}"), Is.EqualTo(1));
        _release.Set();
        var sent = (await sending.DefaultTimeout()).Count(outcome => outcome == SendOutcome.Sent);
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count + _rig.Sink.Losses.Count == sent);

        var ends = _rig.Sink.Acks.Select(ack => ack.Attempt).Concat(_rig.Sink.Losses.Select(loss => loss.Attempt)).ToList();
        Assert.That(ends, Is.Unique);
        Assert.That(_rig.Sink.Losses, Is.Not.Empty);
    }

    [Test]
    [TransportCase(33)]
    [MetricCase("C16")]
    public async Task Connection_OneOfFourReset_SendsOnlyItsPiecesAgain()
    {
        const int MiB = 1 << 20;
        const int Count = 96;
        const int Window = 16;
        var server = await _rig.StartAsync(new TestIntake(MiB));

        // In the middle of a connection's seventh piece: one of four has more than that, whatever the others get.
        var relay = _rig.Own(new TcpRelay(server.Port) { CutAfter = (6 * MiB) + (MiB / 2) });
        _rig.Open(relay.Port, static options =>
        {
            options.MinConnections = 4;
            options.Scaling = false;
        });
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 4);
        var outcomes = await _rig.SendAsync(Enumerable.Range(0, Count).Select(index => new TestSource(index, MiB)), senders: 8).DefaultTimeout();
        var sent = outcomes.Count(outcome => outcome == SendOutcome.Sent);
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count + _rig.Sink.Losses.Count == sent && _rig.Link.OpenStreams == 4);

        Assert.That(outcomes.Count - sent, Is.LessThanOrEqualTo(1), "one sender had the stream");
        Assert.That(_rig.Sink.Losses.Select(loss => loss.Cause), Has.All.EqualTo(PieceLossCause.StreamLost));
        Assert.That(
            _rig.Sink.Losses.Count + outcomes.Count - sent, Is.GreaterThan(0).And.LessThanOrEqualTo(7 + Window), "what one stream carried, and has on the way");
        Assert.That(await _rig.SumAsync("qbsync_stream_reconnects_total"), Is.EqualTo(1));
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total"), Is.EqualTo(1), "the other streams went on");
        Assert.That(_rig.Sink.Changes, Is.EqualTo(new[] { true }));

        // The successor has the slot of the one that was cut. Who sends on which stream is nobody's promise.
        await _rig.SendAsync(Enumerable.Range(Count, 16).Select(index => new TestSource(index, MiB)), senders: 4).DefaultTimeout();
        var slots = (await _rig.SeriesAsync("qbsync_bytes_sent_total")).Where(series => series.Value > 0).Select(series => series.Series);
        Assert.That(slots, Is.SubsetOf(Enumerable.Range(0, 4).Select(slot => $"qbsync_bytes_sent_total{{connection=\"{slot}\"}}")));
    }

    /// <summary>What is in flight on two of four connections is lost with them; the other two streams go on, and lose nothing.</summary>
    [Test]
    [MetricCase("C16")]
    public async Task Connections_TwoOfFourCut_AreTwoReconnects_AndTheOthersLoseNoPiece()
    {
        const int Count = 40;
        var server = await _rig.StartAsync(new TestIntake(1000) { OnWhole = _ => _release.Wait(Patience) ? PieceAckStatus.Accepted : PieceAckStatus.Busy });
        var relay = _rig.Own(new TcpRelay(server.Port));
        _rig.Open(relay.Port, static options =>
        {
            options.MinConnections = 4;
            options.Scaling = false;
            options.PieceTimeout = TimeSpan.FromHours(1);
        });
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 4);
        Assert.That(relay.Connections, Is.EqualTo(5), "the first greets, and each of the others has a stream");
        Assert.That(await _rig.SumAsync("qbsync_stream_reconnects_total"), Is.Zero, "first openings replace nothing");
        var outcomes = await _rig.SendAsync(Enumerable.Range(0, Count).Select(index => new TestSource(index, 1000)), senders: 4).DefaultTimeout();
        Assert.That(outcomes, Has.All.EqualTo(SendOutcome.Sent));
        var carried = (await _rig.SeriesAsync("qbsync_pieces_sent_total")).Select(static series => (int)series.Value).ToArray();

        relay.Cut(1, 2);
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_stream_reconnects_total") == 2 && _rig.Link.OpenStreams == 4);
        _release.Set();
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count + _rig.Sink.Losses.Count == Count);

        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total{reason=\"error\"}"), Is.EqualTo(2));
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total"), Is.EqualTo(2), "the other streams went on");
        Assert.That(await _rig.SumAsync("qbsync_stream_reconnects_total"), Is.EqualTo(2));
        var ofTwo = carried.SelectMany((first, i) => carried.Skip(i + 1).Select(second => first + second));
        Assert.That(ofTwo, Does.Contain(_rig.Sink.Losses.Count), "all that two streams carried, and nothing of the others");
        Assert.That(_rig.Sink.Losses.Select(static loss => loss.Cause), Has.All.EqualTo(PieceLossCause.StreamLost));
    }

    [Test]
    [TransportCase(30)]
    public async Task Piece_LargeOneOnItsWay_LetsSmallOnesPassOnTheOtherStream()
    {
        _rig.Open((await _rig.StartAsync(new TestIntake(1000) { LengthOf = static index => index < 1000 ? 1000 : 256 << 20 })).Port);
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 2);
        var large = new HeldSource(1000, 256 << 20, _release);

        // Not from here: where nothing has to be waited for, the source would hold up this thread.
        var sending = Task.Run(async () => await _rig.Link.SendAsync(large, CancellationToken.None));
        await large.Holding.DefaultTimeout();
        await _rig.SendAsync(Enumerable.Range(0, 100).Select(index => new TestSource(index, 1000)), senders: 4).DefaultTimeout();
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == 100);
        Assert.That((sending.IsCompleted, _rig.Sink.Losses.Count), Is.EqualTo((false, 0)));
        _release.Set();

        Assert.That(await sending.DefaultTimeout(), Is.EqualTo(SendOutcome.Cancelled));
    }

    [Test]
    [TransportCase(38)]
    public async Task Way_TwoSecondsThereAndBack_ConnectsAndStreams()
    {
        var server = await _rig.StartAsync(new TestIntake(1000));
        var relay = _rig.Own(new SlowRelay(server.Port) { Delay = TimeSpan.FromSeconds(1) });
        _rig.Open(relay.Port);

        Assert.That(await _rig.Link.SendAsync(new TestSource(1, 1000), CancellationToken.None).DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Held.Any());
    }

    /// <summary>The keepalive is a second here, and its answer has ten as ever: a user's defaults make forty.</summary>
    [Test]
    [TransportCase(38)]
    public async Task Peer_HalfOpen_IsGivenUp()
    {
        var server = await _rig.StartAsync(new TestIntake(1000));
        var relay = _rig.Own(new SlowRelay(server.Port));
        _rig.Open(relay.Port, beyond: static options => options.KeepAlive = TimeSpan.FromSeconds(1));
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 2);
        relay.IsFrozen = true;

        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 0);
        relay.IsFrozen = false;
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 2);

        // A connection that the machine kept waiting for as long is given up, too.
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total{reason=\"error\"}"), Is.GreaterThanOrEqualTo(2));
    }

    /// <summary>A piece whose second chunk is held back, and then is not what it was.</summary>
    private sealed class HeldSource(int index, int length, ManualResetEventSlim release) : IChunkSource
    {
        private readonly TaskCompletionSource _holding = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Holding => _holding.Task;

        public QbSync.Pieces.PieceRef Piece { get; } = new(TestSource.Torrent, index);

        public ulong Epoch => 1;

        public long Attempt => index;

        public IReadOnlyList<(int Offset, int Length)> Ranges { get; } = [(0, length)];

        public bool TryFill(int offset, Span<byte> destination)
        {
            if (offset == 0)
            {
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = TestSource.ByteAt(index, i);
                }

                return true;
            }

            _holding.TrySetResult();
            release.Wait(Patience);
            return false;
        }

        public void Dispose()
        {
        }
    }
}
