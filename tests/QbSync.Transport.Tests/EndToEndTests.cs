using System.Collections.Concurrent;
using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Tests.Server;

namespace QbSync.Transport.Tests;

/// <summary>Pieces from a link to an intake, over real connections on the loopback.</summary>
internal sealed class EndToEndTests
{
    private static readonly Caller Caller = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"), "seedbox");
    private readonly int _port = FreePorts.Take();
    private FakeDestination _fake = null!;
    private LogErrorGuard _logs = null!;
    private DestinationServer _server = null!;
    private RemoteDestination _remote = null!;
    private Sink _sink = null!;
    private IPieceLink _link = null!;

    [SetUp]
    public async Task SetUp()
    {
        _fake = new FakeDestination();
        _logs = new LogErrorGuard();
        _sink = new Sink();
        _server = await DestinationServer.StartAsync(_fake, _logs, port: _port);
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var options = new TransportClientOptions { Address = $"127.0.0.1:{_port}", Security = new() { Mode = SecurityMode.Insecure } };
        _remote = new RemoteDestination(options, Prometheus.Metrics.WithCustomRegistry(registry), registry, _logs, TimeProvider.System, new Random(1));
        _link = _remote.OpenLink(Caller, _sink);
    }

    [TearDown]
    public async Task TearDown()
    {
        await _link.DisposeAsync();
        await _remote.DisposeAsync();
        await Eventually.BecomesTrueAsync(() =>
            _server.Buffers.Rented == 0 && _server.Budget.InUse == 0 && _server.Budget.Committed == 0 && _server.Workers.Snapshot == (0, 0));
        await _server.DisposeAsync();
        _logs.Verify();
        _logs.Dispose();
    }

    [Test]
    public async Task Pieces_OfManySizes_ArriveWholeAndOnce()
    {
        int[] sizes = [1, 4095, 16 << 10, 100_000, 1 << 20, (1 << 20) + 1, 5 << 20, 16 << 20];
        _fake.OnBegin = (piece, _) => (PieceAckStatus.Pending, new FakeTransfer(sizes[piece.Index % sizes.Length]));
        var sources = Enumerable.Range(0, 64).Select(index => new TestSource(index, sizes[index % sizes.Length])).ToList();
        await Parallel.ForEachAsync(
            sources,
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (source, cancellationToken) =>
                Assert.That(await _link.SendAsync(source, cancellationToken).DefaultTimeout(), Is.EqualTo(SendOutcome.Sent)));
        await Eventually.BecomesTrueAsync(() => _sink.Acks.Count >= sources.Count);
        Assert.That(_sink.Acks.Select(ack => ack.Status), Is.All.EqualTo(PieceAckStatus.Accepted));
        Assert.That(_sink.Acks.Select(ack => ack.Piece), Is.Unique);
        Assert.That(_sink.Lost, Is.Empty);
        foreach (var (piece, transfer) in _fake.Pieces)
        {
            Assert.That(transfer.Bytes.Length, Is.EqualTo(sizes[piece.Index % sizes.Length]));
            for (var at = 0; at < transfer.Bytes.Length; at += 997)
            {
                Assert.That(transfer.Bytes[at], Is.EqualTo(TestSource.ByteAt(piece.Index, at)));
            }
        }
    }

    [Test]
    public async Task Piece_WhoseBytesChanged_IsCancelledOnTheWireAndTheStreamLivesOn()
    {
        const int Length = 3 << 20;
        _fake.OnBegin = (_, _) => (PieceAckStatus.Pending, new FakeTransfer(Length));
        var changed = new TestSource(1, Length) { ChangedFrom = 2 << 20 };
        Assert.That(await _link.SendAsync(changed, default).DefaultTimeout(), Is.EqualTo(SendOutcome.Cancelled));
        Assert.That(await _link.SendAsync(new TestSource(2, Length), default).DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
        await Eventually.BecomesTrueAsync(() => _sink.Acks.Count == 1);
        await Eventually.BecomesTrueAsync(() => _fake.Pieces.Values.All(transfer => transfer.Disposed == 1));
        Assert.That(_sink.Acks.Single().Piece.Index, Is.EqualTo(2));
        Assert.That(_sink.Lost, Is.Empty);
    }

    [Test]
    public async Task Piece_Refused_IsAnsweredWithItsStatus()
    {
        var refusals = Enum.GetValues<PieceAckStatus>().Where(status => status > PieceAckStatus.Accepted && status != PieceAckStatus.Malformed).ToList();
        _fake.OnBegin = (piece, _) => (refusals[piece.Index], null);
        for (var i = 0; i < refusals.Count; i++)
        {
            Assert.That(await _link.SendAsync(new TestSource(i, 300_000), default).DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
        }

        await Eventually.BecomesTrueAsync(() => _sink.Acks.Count == refusals.Count);
        Assert.That(_sink.Acks.Select(ack => (ack.Piece.Index, ack.Status)), Is.EquivalentTo(refusals.Select((status, i) => (i, status))));
    }

    [Test]
    public async Task Destination_Restarts_LinkComesBackWithANewSession()
    {
        await SendAsync(1);
        await _server.DisposeAsync();
        _server = await DestinationServer.StartAsync(_fake, _logs, port: _port);
        await SendAsync(2);
        Assert.That(_sink.Acks.Select(ack => ack.Piece.Index), Is.EquivalentTo(new[] { 1, 2 }));

        // A piece that met the dying connection is lost and sent again, as the engine does.
        async Task SendAsync(int index)
        {
            for (var answered = false; !answered;)
            {
                var losses = _sink.Lost.Count;
                var outcome = await _link.SendAsync(new TestSource(index, 64 << 10), default).DefaultTimeout();
                if (outcome == SendOutcome.Sent)
                {
                    await Eventually.BecomesTrueAsync(() => _sink.Acks.Any(ack => ack.Piece.Index == index) || _sink.Lost.Count > losses);
                }

                answered = _sink.Acks.Any(ack => ack.Piece.Index == index);
            }
        }
    }

    private sealed class Sink : IPieceLinkSink
    {
        public ConcurrentQueue<PieceAck> Acks { get; } = new();

        public ConcurrentQueue<(PieceRef Piece, PieceLossCause Cause)> Lost { get; } = new();

        public void OnAck(in PieceAck ack) => Acks.Enqueue(ack);

        public void OnLost(PieceRef piece, long attempt, PieceLossCause cause) => Lost.Enqueue((piece, cause));

        public void OnLinkChanged(bool connected)
        {
        }
    }
}
