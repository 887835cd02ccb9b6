using CsCheck;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Client;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Client.Pooling;

namespace QbSync.Transport.Tests.Client.Pooling;

internal sealed class StreamPoolTests
{
    private TestPool _test = null!;

    private StreamPool Pool => _test.Pool;

    [SetUp]
    public void Begin() => _test = new TestPool();

    [Test]
    public async Task Rent_TwoStreams_GivesTheOneWithLessInFlight()
    {
        var busy = _test.Add(out _);
        var free = _test.Add(out _, slot: 1);
        Assert.That(Pool.TryRent(busy), Is.True);
        Pool.BeginChunk(busy, 0, new TestSource(1, 100_000), 100_000);
        Pool.Return(busy);

        Assert.That(await Pool.RentAsync(CancellationToken.None), Is.SameAs(free));
    }

    [Test]
    public async Task Rent_AllTaken_WaitsInLineForTheFirstReturned()
    {
        var stream = _test.Add(out _);
        await Pool.RentAsync(CancellationToken.None);
        var first = Pool.RentAsync(CancellationToken.None).AsTask();
        var second = Pool.RentAsync(CancellationToken.None).AsTask();

        Pool.Return(stream);

        Assert.That(await first.DefaultTimeout(), Is.SameAs(stream));
        Assert.That(second.IsCompleted, Is.False);
    }

    [Test]
    public async Task Rent_CancelledWaiter_IsPassedOver()
    {
        var stream = _test.Add(out _);
        await Pool.RentAsync(CancellationToken.None);
        using var cancel = new CancellationTokenSource();
        var cancelled = Pool.RentAsync(cancel.Token).AsTask();
        var next = Pool.RentAsync(CancellationToken.None).AsTask();

        await cancel.CancelAsync();
        Pool.Return(stream);

        Assert.That(await next.DefaultTimeout(), Is.SameAs(stream));
        Assert.That(() => cancelled, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Rent_NoCredit_WaitsUntilAReportBringsSome()
    {
        var stream = _test.Add(out _, credit: 0);
        var waiting = Pool.RentAsync(CancellationToken.None).AsTask();
        Assert.That(waiting.IsCompleted, Is.False);

        Pool.OnReport(stream, 0, 1024 * 1024, 0, TimeSpan.Zero);

        Assert.That(await waiting.DefaultTimeout(), Is.SameAs(stream));
        Assert.That(await _test.ScrapeAsync("qbsync_window_full_total"), Is.EqualTo(1));
    }

    [Test]
    public async Task Rent_NoStream_WaitsForANewOne()
    {
        var waiting = Pool.RentAsync(CancellationToken.None).AsTask();

        var stream = _test.Add(out _);

        Assert.That(await waiting.DefaultTimeout(), Is.SameAs(stream));
        Assert.That(await _test.ScrapeAsync("qbsync_window_full_total"), Is.Zero, "a missing stream is no full window");
    }

    [Test]
    public async Task Rent_RetiredStream_IsNotChosen()
    {
        var failing = _test.Add(out _);
        Pool.Retire(failing);
        var waiting = Pool.RentAsync(CancellationToken.None).AsTask();
        Assert.That((waiting.IsCompleted, Pool.OpenStreams), Is.EqualTo((false, 0)));

        var working = _test.Add(out _, slot: 1);

        Assert.That(await waiting.DefaultTimeout(), Is.SameAs(working));
    }

    /// <summary>A seat shows its stream before the pool has it: who wants it replaced just then is heard.</summary>
    [Test]
    public async Task Drain_StreamThatComesLater_IsNeverChosenAndEndsAtOnce()
    {
        var stream = new PooledStream(0, new FakeWriter(), 1024 * 1024);
        var draining = Pool.DrainAsync(stream);
        Assert.That((Pool.TryRent(stream), draining.IsCompleted), Is.EqualTo((false, false)));

        Pool.Add(stream, TestPool.Plenty, 16 * 1024 * 1024);

        await draining.DefaultTimeout();
        Assert.That((Pool.OpenStreams, Pool.TryRent(stream)), Is.EqualTo((0, true)), "it can be half-closed");
    }

    [Test]
    public async Task Close_WaitersAndLaterOnes_GetNothing()
    {
        var waiting = Pool.RentAsync(CancellationToken.None).AsTask();

        await Pool.CloseAsync().DefaultTimeout();

        Assert.That(await waiting.DefaultTimeout(), Is.Null);
        Assert.That(await Pool.RentAsync(CancellationToken.None), Is.Null);
    }

    [Test]
    public async Task Close_PieceInFlight_EndsWithItsAnswer()
    {
        var stream = _test.Add(out _);
        Pool.TryRent(stream);
        var transfer = Pool.BeginChunk(stream, 0, new TestSource(1, 100), 100);
        Pool.EndPiece(stream, transfer);
        Pool.Return(stream);

        var closing = Pool.CloseAsync();
        Assert.That((closing.IsCompleted, Pool.OpenStreams), Is.EqualTo((false, 0)), "draining streams are not open");
        Pool.OnAnswer(stream, transfer, out _, out _);

        await closing.DefaultTimeout();
    }

    [Test]
    public async Task Sweep_WriteStuckForTheSendTimeout_EndsTheStreamOnly()
    {
        var stuck = _test.Add(out var stuckWriter);
        _test.Add(out var other, slot: 1);
        Pool.TryRent(stuck);
        Pool.BeginChunk(stuck, 0, new TestSource(1, 100), 100);

        Sweep(after: 29);
        Assert.That(stuckWriter.Ended, Is.EqualTo(StreamEnd.None));
        Sweep(after: 1);

        Assert.That((stuckWriter.Ended, other.Ended), Is.EqualTo((StreamEnd.SendTimeout, StreamEnd.None)));
        Assert.That(await _test.ScrapeAsync("qbsync_inflight_pieces"), Is.Zero, "no link is shown in this test");
    }

    /// <summary>A full socket takes a stream's chunk late, and that is no timeout; but when all that was on the way is acknowledged, only others move.</summary>
    [Test]
    [TransportCase(35)]
    public void Sweep_StreamStandsBesideOnesThatMove_MeetsTheSendTimeout()
    {
        const long Kibibyte = 1024;
        var stuck = _test.Add(out var stuckWriter);
        var other = _test.Add(out var otherWriter);
        Pool.TryRent(stuck);
        Pool.BeginChunk(stuck, 0, new TestSource(1, 100_000), 100_000);
        Pool.TryRent(other);
        var moving = Pool.BeginChunk(other, 0, new TestSource(2, 100_000), 100_000);
        Pool.EndChunk(other, moving);
        var acknowledged = 0L;

        // Two chunks of 1 MiB, what is in flight and a tenth: 2.6 MB, of which a slow way carries 32 KiB a second.
        for (var second = 0; second < 78; second++)
        {
            Move();
        }

        Assert.That(stuckWriter.Ended, Is.EqualTo(StreamEnd.None), "its chunk may be among what TCP has");
        for (var second = 0; second < 40; second++)
        {
            Move();
        }

        Assert.That((stuckWriter.Ended, otherWriter.Ended), Is.EqualTo((StreamEnd.SendTimeout, StreamEnd.None)));

        void Move()
        {
            acknowledged += 32 * Kibibyte;
            Pool.OnTcp(0, new TcpInfo { RoundTrip = TimeSpan.FromMilliseconds(25), Acknowledged = acknowledged }, hasMoved: true);
            Sweep(after: 1);
        }
    }

    [Test]
    public void Sweep_ReportsMoveWhileAWriteWaits_IsNoTimeout()
    {
        var stream = _test.Add(out var writer);
        Pool.TryRent(stream);
        Pool.BeginChunk(stream, 0, new TestSource(1, 100_000), 100_000);
        for (var i = 1; i <= 20; i++)
        {
            Sweep(after: 20);
            Pool.OnReport(stream, (ulong)i, TestPool.Plenty, 0, TimeSpan.Zero);
        }

        Assert.That(writer.Ended, Is.EqualTo(StreamEnd.None));
    }

    [Test]
    public void Sweep_SilentStream_IsPingedOnceAMinute()
    {
        var stream = _test.Add(out var writer);

        Sweep(after: 59);
        Assert.That(writer.Pings, Is.Zero);
        Sweep(after: 1);
        Pool.Return(stream);
        Sweep(after: 1);

        Assert.That(writer.Pings, Is.EqualTo(1));
    }

    [Test]
    public async Task Sweep_StreamThatWasDrained_IsLeftToWhoEndsIt()
    {
        var stream = _test.Add(out var writer, credit: 16 << 20);
        await Pool.DrainAsync(stream).DefaultTimeout();

        Sweep(after: 60);

        Assert.That((writer.Pings, writer.Returned.Count), Is.EqualTo((0, 0)));
        Assert.That(Pool.TryRent(stream), Is.True, "it can be half-closed");
    }

    [Test]
    public void Sweep_AnsweredLate_IsGivenOnce()
    {
        var stream = _test.Add(out _);
        Pool.TryRent(stream);
        var transfer = Pool.BeginChunk(stream, 0, new TestSource(1, 100), 100);
        Pool.EndChunk(stream, transfer);
        Pool.EndPiece(stream, transfer);
        Pool.Return(stream);

        Assert.That(Sweep(after: 60), Is.EqualTo(1));
        Assert.That(Sweep(after: 60), Is.Zero);
        Assert.That(Pool.Remove(stream), Is.Empty);
        Assert.That(Pool.InFlightPieces, Is.Zero);
    }

    /// <summary>Adds, removals, rents, returns and reports in any order: no stream is rented twice, none that ended is given.</summary>
    [Test]
    public void Pool_AnyOrder_NeverGivesAStreamTwice() =>
        Gen.Int[0, 4].List[1, 60].Sample(
            steps =>
            {
                var test = new TestPool();
                List<PooledStream> streams = [];
                List<PooledStream> rented = [];
                foreach (var step in steps)
                {
                    switch (step)
                    {
                        case 0:
                            streams.Add(test.Add(out _, slot: streams.Count % 8));
                            break;
                        case 1 when streams.Count > 0:
                            var gone = streams[^1];
                            streams.Remove(gone);
                            test.Pool.Remove(gone);
                            break;
                        case 2 when rented.Count > 0:
                            test.Pool.Return(rented[0]);
                            rented.RemoveAt(0);
                            break;
                        default:
                            using (var now = new CancellationTokenSource())
                            {
                                var rent = test.Pool.RentAsync(now.Token).AsTask();
                                now.Cancel();
                                if (rent.IsCompletedSuccessfully && rent.Result is { } stream)
                                {
                                    if (rented.Contains(stream) || !streams.Contains(stream))
                                    {
                                        return false;
                                    }

                                    rented.Add(stream);
                                }
                            }

                            break;
                    }
                }

                return test.Pool.OpenStreams == streams.Count;
            },
            iter: 300);

    [Test]
    [TransportCase(27)]
    public async Task Rent_EightWaitForOneStream_GetItInTurn()
    {
        var stream = _test.Add(out _);
        await Pool.RentAsync(CancellationToken.None);
        var waiting = Enumerable.Range(0, 8).Select(_ => Pool.RentAsync(CancellationToken.None).AsTask()).ToList();

        for (var i = 0; i < waiting.Count; i++)
        {
            Pool.Return(stream);
            Assert.That(await waiting[i].DefaultTimeout(), Is.SameAs(stream));
            Assert.That(waiting.Count(static rent => rent.IsCompleted), Is.EqualTo(i + 1));
        }
    }

    [Test]
    public void Call_WhereTcpTellsNothing_GivesTheRoundTripOfTheNetwork()
    {
        Pool.OnCall(TimeSpan.FromMilliseconds(90));
        Pool.OnCall(TimeSpan.FromMilliseconds(70));
        Pool.OnCall(TimeSpan.FromMilliseconds(80));
        Assert.That(Pool.RoundTrips.Network, Is.Null, "TCP was not asked yet");

        Pool.OnTcpSilent();
        Assert.That(Pool.RoundTrips.Network, Is.EqualTo(TimeSpan.FromMilliseconds(70)));
        Pool.OnCall(TimeSpan.FromMilliseconds(60));
        Pool.OnTcpSilent();
        Pool.OnCall(TimeSpan.FromMilliseconds(100));
        Assert.That(Pool.RoundTrips.Network, Is.EqualTo(TimeSpan.FromMilliseconds(60)));
    }

    [Test]
    public void Call_WhereTcpTells_CountsForNothing()
    {
        Pool.OnCall(TimeSpan.FromMilliseconds(5));
        Pool.OnTcp(0, new TcpInfo { RoundTrip = TimeSpan.FromMilliseconds(25), LeastRoundTrip = TimeSpan.FromMilliseconds(20) }, hasMoved: false);
        Pool.OnCall(TimeSpan.FromMilliseconds(10));
        Pool.OnTcpSilent();

        Assert.That(Pool.RoundTrips.Network, Is.EqualTo(TimeSpan.FromMilliseconds(20)));
    }

    private int Sweep(int after)
    {
        _test.Time.Advance(TimeSpan.FromSeconds(after));
        return Pool.Sweep(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(30)).Count;
    }
}
