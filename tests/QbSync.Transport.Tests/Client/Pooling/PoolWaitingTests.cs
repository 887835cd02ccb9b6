using QbSync.Outcomes;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Client.Pooling;
using QbSync.Transport.Client.Sending;
using QbSync.Transport.Congestion;

namespace QbSync.Transport.Tests.Client.Pooling;

/// <summary>Who waits for room, who wakes, and what leaves a window as it is.</summary>
internal sealed class PoolWaitingTests
{
    private const int Senders = 8;
    private const long Small = 256 * 1024;
    private TestPool _test = null!;

    private StreamPool Pool => _test.Pool;

    [SetUp]
    public void Begin() => _test = new TestPool();

    [Test]
    [TransportCase(18)]
    public async Task Report_EachAloneInAnyOrder_WakesItsSender([Range(1, 10)] int seed)
    {
        var waiting = Enumerable.Range(0, Senders).Select(slot => Fill(TestPool.Plenty, slot)).ToArray();
        var order = Shuffle(seed);
        foreach (var which in order)
        {
            Assert.That(waiting[which].Permit.IsCompleted, Is.False, "nothing of its own has changed");
            _test.ReportAll(waiting[which].Stream);
            Assert.That((await waiting[which].Permit.DefaultTimeout()).Length, Is.Positive);
        }

        Assert.That(await _test.ScrapeAsync("qbsync_window_full_total"), Is.EqualTo(Senders), "one wait each");
    }

    [Test]
    [TransportCase(18)]
    public async Task Credit_EachAloneInAnyOrder_WakesItsSender([Range(1, 10)] int seed)
    {
        var waiting = Enumerable.Range(0, Senders).Select(slot => Fill(Small, slot)).ToArray();
        foreach (var which in Shuffle(seed))
        {
            Assert.That(waiting[which].Permit.IsCompleted, Is.False);
            Assert.That(Pool.OnReport(waiting[which].Stream, 0, (ulong)(2 * Small), 0, TimeSpan.Zero), Is.True);
            Assert.That((await waiting[which].Permit.DefaultTimeout()).Length, Is.EqualTo(Small));
        }
    }

    [Test]
    [TransportCase(18)]
    public async Task StreamEnd_EachAloneInAnyOrder_TellsItsSenderAlone([Range(1, 10)] int seed)
    {
        var waiting = Enumerable.Range(0, Senders).Select(slot => Fill(Small, slot)).ToArray();
        foreach (var which in Shuffle(seed))
        {
            Assert.That(waiting[which].Permit.IsCompleted, Is.False);
            Pool.Remove(waiting[which].Stream);
            Assert.That((await waiting[which].Permit.DefaultTimeout()).Fate, Is.EqualTo(SendingFate.Lost));
        }
    }

    [Test]
    [TransportCase(18)]
    public async Task StreamAdded_EachAlone_GoesToWhoWaitsLongest()
    {
        var waiting = Enumerable.Range(0, Senders).Select(_ => Pool.RentAsync(CancellationToken.None).AsTask()).ToArray();
        for (var i = 0; i < Senders; i++)
        {
            Assert.That(waiting[i].IsCompleted, Is.False);
            var stream = _test.Add(out _, slot: i);
            Assert.That(await waiting[i].DefaultTimeout(), Is.SameAs(stream));
        }
    }

    /// <summary>All wait for the link alone: what one stream's report makes room for goes to who waits longest.</summary>
    [Test]
    [TransportCase(18)]
    public async Task LinkWindow_RoomByOneReport_GoesByTheLine()
    {
        var (probing, first) = Probing();
        var later = _test.Add(out _, slot: 1);
        Assert.That(Pool.TryRent(later), Is.True);
        var second = Pool.WaitForRoomAsync(later, 0, 64 * 1024, CancellationToken.None).AsTask();
        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((false, false)), "the probe holds both");

        _test.ReportAll(probing);

        Assert.That((await first.DefaultTimeout()).Fate, Is.EqualTo(SendingFate.Open));
    }

    /// <summary>A probe ends by time alone, and who waits for its window goes on without any event.</summary>
    [Test]
    [TransportCase(18)]
    public async Task RttProbe_EndsByTimeAlone_WakesWhoWaits()
    {
        var (probing, first) = Probing();
        _test.ReportAll(probing);
        await first.DefaultTimeout();
        var transfer = Pool.BeginChunk(probing, 0, new TestSource(1, int.MaxValue), 512 * 1024);
        var next = Pool.WaitForRoomAsync(probing, transfer, 64 * 1024, CancellationToken.None).AsTask();
        Assert.That(next.IsCompleted, Is.False, "the probe's window is full");

        _test.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.That((await next.DefaultTimeout()).Fate, Is.EqualTo(SendingFate.Open));
    }

    [Test]
    [MetricCase("C35")]
    public async Task Wait_WokenFiveTimesInVain_CountsOnce()
    {
        var (stream, permit) = Fill(Small, slot: 0);
        for (var i = 1UL; i <= 5; i++)
        {
            Pool.OnReport(stream, i * 1024, (ulong)Small, 0, TimeSpan.Zero);
        }

        Assert.That(permit.IsCompleted, Is.False);
        Assert.That(await _test.ScrapeAsync("qbsync_window_full_total"), Is.EqualTo(1));
    }

    [Test]
    [TransportCase(15)]
    public void Window_NacksStalePiecesCancelsAndLostStreams_StaysToTheByte()
    {
        var other = _test.Add(out _, slot: 1);
        var stream = _test.Add(out _);
        Assert.That(Pool.TryRent(stream), Is.True);
        Pool.BeginChunk(other, 0, new TestSource(0, 100), 100);
        var before = (stream.Window.Size, stream.Window.Credit, stream.Window.ChunkSize);
        foreach (var status in Enum.GetValues<PieceAckStatus>())
        {
            // The window does not even learn which answer it was.
            var answered = SendPiece(stream, (int)status);
            Assert.That(Pool.OnAnswer(stream, answered, out _, out _), Is.EqualTo(AnswerKind.InFlight));
            Assert.That((stream.Window.Size, stream.Window.Credit, stream.Window.ChunkSize), Is.EqualTo(before), status.ToString());
        }

        var inFlight = stream.Window.InFlight;
        var unread = Pool.BeginChunk(stream, 0, new TestSource(200, 100_000), 100_000);
        Pool.TakeBackChunk(stream, 100_000);
        Pool.GivePiece(stream, unread, out _);
        SendPiece(stream, 201);
        _test.Time.Advance(TimeSpan.FromSeconds(61));
        Assert.That(Pool.Sweep(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(600)), Is.Not.Empty, "stale");
        Pool.Remove(other);

        Assert.That((stream.Window.Size, stream.Window.Credit, stream.Window.ChunkSize), Is.EqualTo(before));
        Assert.That(stream.Window.InFlight, Is.EqualTo(inFlight + ChunkWeight.Of(1000)), "what is not reported is on the way still");
    }

    [Test]
    public void Credit_OfAStreamIdleForFiveSeconds_IsGivenBackOnce()
    {
        var stream = _test.Add(out var writer, credit: 16 << 20);
        Pool.TryRent(stream);
        SendPiece(stream, 1);
        Pool.Return(stream);
        Sweep(seconds: 10);
        Assert.That(writer.Returned, Is.Empty, "something is in flight");
        Pool.OnReport(stream, (ulong)stream.Window.HandedOver, 16 << 20, 0, TimeSpan.Zero);

        Sweep(seconds: 4);
        Assert.That(writer.Returned, Is.Empty);
        Sweep(seconds: 1);
        Assert.That(stream.IsRented, Is.True, "until it is said");
        Pool.Return(stream);
        Sweep(seconds: 30);

        Assert.That(writer.Returned, Is.EqualTo(new[] { stream.Window.HandedOver + (1 << 20) }));
        Assert.That(stream.Window.Credit, Is.EqualTo(writer.Returned[0]));
    }

    private void Sweep(int seconds)
    {
        _test.Time.Advance(TimeSpan.FromSeconds(seconds));
        Pool.Sweep(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10));
    }

    private ulong SendPiece(PooledStream stream, int index)
    {
        var transfer = Pool.BeginChunk(stream, 0, new TestSource(index, 1000), 1000);
        Pool.EndChunk(stream, transfer);
        Pool.EndPiece(stream, transfer);
        return transfer;
    }

    /// <summary>A stream whose sender has sent what it may and waits.</summary>
    private (PooledStream Stream, Task<Permit> Permit) Fill(long credit, int slot)
    {
        var stream = _test.Add(out _, slot, credit);
        Assert.That(Pool.TryRent(stream), Is.True);
        var (transfer, source) = (0UL, new TestSource(slot, int.MaxValue));
        while (true)
        {
            var permit = Pool.WaitForRoomAsync(stream, transfer, (int)Small, CancellationToken.None).AsTask();
            if (!permit.IsCompleted)
            {
                return (stream, permit);
            }

            transfer = Pool.BeginChunk(stream, transfer, source, permit.Result.Length);
            Pool.EndChunk(stream, transfer);
        }
    }

    /// <summary>A stream whose link probes, with more in flight than the probe allows, and its sender waiting.</summary>
    private (PooledStream Stream, Task<Permit> Permit) Probing()
    {
        var stream = _test.Add(out _);
        Assert.That(Pool.TryRent(stream), Is.True);
        var (transfer, source) = (0UL, new TestSource(1, int.MaxValue));

        // The same rate in each round: the search for it ends, and with a chunk in flight the probe begins.
        for (var round = 0; round < 100; round++)
        {
            for (var chunk = 0; chunk < 4; chunk++)
            {
                var permit = Pool.WaitForRoomAsync(stream, transfer, 64 * 1024, CancellationToken.None).AsTask();
                if (!permit.IsCompleted)
                {
                    return (stream, permit);
                }

                transfer = Pool.BeginChunk(stream, transfer, source, permit.Result.Length);
                Pool.EndChunk(stream, transfer);
            }

            _test.Time.Advance(TimeSpan.FromMilliseconds(10));
            Pool.OnReport(stream, (ulong)(stream.Window.HandedOver - (192 * 1024)), TestPool.Plenty, 0, TimeSpan.Zero);
        }

        throw new InvalidOperationException("The link never began to probe.");
    }

    private static int[] Shuffle(int seed)
    {
        var order = Enumerable.Range(0, Senders).ToArray();
        new Random(seed).Shuffle(order);
        return order;
    }
}
