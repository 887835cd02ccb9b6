using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Server;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Server;

/// <summary>When batches go, on virtual time.</summary>
internal sealed class AckWriterTests
{
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(2);

    private FakeTimeProvider _time = null!;
    private Batches _batches = null!;
    private ReceiveBudget _budget = null!;
    private BudgetShare _share = null!;
    private AckWriter _acks = null!;
    private Task _running = Task.CompletedTask;

    [SetUp]
    public void Begin()
    {
        (_time, _batches) = (new FakeTimeProvider(), new Batches());
        var registry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = TransportMetrics.ForDestination(Prometheus.Metrics.WithCustomRegistry(registry), registry, static () => (0, 0), static () => (0, 1));
        _budget = new ReceiveBudget(512L << 20, 16 << 20, _time);
        _acks = new AckWriter(_batches, _budget, metrics, Delay, _time);
        _share = _budget.Open(_acks.Wake);
        _running = _acks.RunAsync(_share, 16 << 20, CancellationToken.None);
    }

    [TearDown]
    public async Task EndAsync()
    {
        _acks.Complete();
        while (!_running.IsCompleted)
        {
            _time.Advance(Delay);
            await Task.Yield();
        }

        await _running;
    }

    [Test]
    [TransportCase(22)]
    public async Task Piece_Alone_IsToldAtOnceAndAnsweredWithinFiveMilliseconds()
    {
        _time.Advance(Delay);
        Take(1);
        await Eventually.BecomesTrueAsync(() => _batches.Received == 4096);
        _acks.Answer(1, PieceAckStatus.Accepted);
        for (var i = 0; i < 5; i++)
        {
            await Task.Yield();
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        await Eventually.BecomesTrueAsync(() =>
        {
            // Its wait may have begun after the time had passed.
            _time.Advance(_batches.Accepted == 0 ? Delay : TimeSpan.Zero);
            return _batches.Accepted == 1;
        });
    }

    [Test]
    [TransportCase(22)]
    public async Task Load_OfASecond_GoesInAtMostFiveHundredBatchesAndIsToldWhole()
    {
        var transfer = 0UL;
        for (var tick = 0; tick < 4000; tick++)
        {
            Take(++transfer);
            _acks.Answer(transfer, PieceAckStatus.Accepted);
            _time.Advance(TimeSpan.FromMilliseconds(0.25));
            await Task.Yield();
        }

        Assert.That(_batches.Count, Is.LessThanOrEqualTo(502));

        // What was received is read before what was answered: the last of it may come with a batch of its own.
        await Eventually.BecomesTrueAsync(() =>
        {
            _time.Advance(Delay);
            return (_batches.Accepted, _batches.Received) == (4000, 4000UL * 4096);
        });
    }

    private void Take(ulong transfer)
    {
        Assert.That(_budget.TryReceive(_share, 4096), Is.True, $"{transfer}");
        _budget.Release(_share, 4096);
        _acks.Received();
    }

    private sealed class Batches : IServerStreamWriter<DestinationFrame>
    {
        private int _count;
        private int _accepted;
        private ulong _received;

        public int Count => Volatile.Read(ref _count);

        public int Accepted => Volatile.Read(ref _accepted);

        public ulong Received => Volatile.Read(ref _received);

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(DestinationFrame message)
        {
            if (message.Acks is { } batch)
            {
                Interlocked.Increment(ref _count);
                Volatile.Write(ref _received, batch.Received);
                Interlocked.Add(ref _accepted, batch.Accepted.Count);
            }

            return Task.CompletedTask;
        }
    }
}
