using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.Transport.Tests.Client.Sending;

internal sealed class PieceSenderTests
{
    private TestPool _test = null!;

    [SetUp]
    public void Begin() => _test = new TestPool();

    [Test]
    public async Task Send_PieceWithAPad_JumpsOverIt()
    {
        _test.Add(out var writer);
        var source = new TestSource(1, 1000) { Ranges = [(0, 300), (500, 500)] };

        var outcome = await SendAsync(source);

        Assert.That(outcome, Is.EqualTo(SendOutcome.Sent));
        Assert.That(writer.Chunks, Is.EqualTo(new (ulong, int, int)[] { (1, 0, 300), (1, 500, 500) }));
        Assert.That(source.Disposed, Is.EqualTo(1));
    }

    [Test]
    public async Task Send_PieceLargerThanWindowAndCredit_GoesChunkByChunk()
    {
        var stream = _test.Add(out var writer, credit: 256 * 1024);
        writer.OnWrite = () =>
        {
            Assert.That(stream.Window.HandedOver, Is.LessThanOrEqualTo(stream.Window.Credit));
            return Task.CompletedTask;
        };
        var sending = SendAsync(new TestSource(1, 20 * 1024 * 1024));
        while (!sending.IsCompleted)
        {
            _test.ReportAll(stream, stream.Window.HandedOver + (256 * 1024));
            await Task.Yield();
        }

        Assert.That(await sending, Is.EqualTo(SendOutcome.Sent));
        Assert.That(writer.Chunks.Sum(chunk => chunk.Length), Is.EqualTo(20 * 1024 * 1024));
    }

    [Test]
    [MetricCase("C09")]
    public async Task Send_BytesChanged_IsCancelledAndWeighsNothing()
    {
        var stream = _test.Add(out _);
        var source = new TestSource(1, 400_000) { ChangedFrom = 300_000 };

        var outcome = await SendAsync(source);

        Assert.That(outcome, Is.EqualTo(SendOutcome.Cancelled));
        Assert.That((source.Disposed, _test.Pool.InFlightPieces), Is.EqualTo((1, 0)));
        Assert.That(stream.Window.HandedOver, Is.EqualTo(256 * 1024), "the first chunk alone");
        Assert.That(await _test.ScrapeAsync("qbsync_pieces_failed_total"), Is.Zero);
    }

    [Test]
    public async Task Send_StreamEndsWhileItWaits_IsLostThere()
    {
        var stream = _test.Add(out _, credit: 256 * 1024);
        var source = new TestSource(1, 1024 * 1024);
        var sending = SendAsync(source);

        var lost = _test.Pool.Remove(stream);

        Assert.That(await sending.DefaultTimeout(), Is.EqualTo(SendOutcome.Lost));
        Assert.That(lost.Select(piece => piece.IsWhole), Is.EqualTo(new[] { false }));
        Assert.That(source.Disposed, Is.EqualTo(1));
    }

    [Test]
    public async Task Send_WriteFails_IsLost()
    {
        _test.Add(out var writer);
        writer.IsBroken = true;

        Assert.That(await SendAsync(new TestSource(1, 1000)), Is.EqualTo(SendOutcome.Lost));
        Assert.That(await _test.ScrapeAsync("qbsync_pieces_failed_total"), Is.EqualTo(1));
    }

    [Test]
    public async Task Send_AnsweredBeforeTheEnd_StopsAndCountsAsSent()
    {
        var stream = _test.Add(out var writer, credit: 256 * 1024);
        var sending = SendAsync(new TestSource(1, 1024 * 1024));

        _test.Pool.OnAnswer(stream, writer.Chunks[0].Transfer, out _, out _);

        Assert.That(await sending.DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
        Assert.That(writer.Chunks, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Send_CancelledWhileItWaits_TellsTheDestination()
    {
        _test.Add(out var writer, credit: 256 * 1024);
        using var cancel = new CancellationTokenSource();
        var source = new TestSource(1, 1024 * 1024);
        var sending = _test.Sender.SendAsync(source, cancel.Token).AsTask();

        await cancel.CancelAsync();

        Assert.That(async () => await sending.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(writer.Cancelled, Is.EqualTo(new[] { 1UL }));
        Assert.That((source.Disposed, _test.Pool.InFlightPieces), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task Send_CancelledBeforeAStreamIsFree_SendsNothing()
    {
        using var cancel = new CancellationTokenSource();
        var source = new TestSource(1, 100);
        var sending = _test.Sender.SendAsync(source, cancel.Token).AsTask();

        await cancel.CancelAsync();

        Assert.That(async () => await sending.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(source.Disposed, Is.EqualTo(1));
    }

    [Test]
    public async Task Send_RateLimit_PassesNoMoreThanRateAndBurst()
    {
        var stream = _test.Add(out var writer);
        _test.Limiter.SetRate(1024 * 1024);
        var sending = SendAsync(new TestSource(1, 16 * 1024 * 1024));
        var quarters = 0;
        while (!sending.IsCompleted)
        {
            _test.Time.Advance(TimeSpan.FromMilliseconds(250));
            _test.ReportAll(stream);
            await Task.Yield();
            quarters++;
            Assert.That(writer.Chunks.ToArray().Sum(chunk => (long)chunk.Length), Is.LessThanOrEqualTo((quarters * 256 * 1024) + (256 * 1024)));
        }

        Assert.That(await sending, Is.EqualTo(SendOutcome.Sent));
    }

    [Test]
    [MetricCase("C17")]
    public async Task Send_TenMinutesBehindTheRateLimit_IsNotStale()
    {
        var stream = _test.Add(out _);
        _test.Limiter.SetRate(1024);
        using var cancel = new CancellationTokenSource();
        var sending = _test.Sender.SendAsync(new TestSource(1, 16 * 1024 * 1024), cancel.Token).AsTask();
        await Eventually.BecomesTrueAsync(() =>
        {
            Pass();
            return _test.Pool.InFlightPieces == 1;
        });
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromMinutes(10); passed += TimeSpan.FromSeconds(10))
        {
            Pass();
        }

        Assert.That(stream.Pieces.Count, Is.EqualTo(1));
        Assert.That(await _test.ScrapeAsync("qbsync_pieces_failed_total"), Is.Zero);
        await cancel.CancelAsync();
        Assert.That(async () => await sending.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());

        void Pass()
        {
            _test.Time.Advance(TimeSpan.FromSeconds(10));
            Assert.That(_test.Pool.Sweep(TimeSpan.FromSeconds(60), TimeSpan.FromMinutes(10)), Is.Empty);
        }
    }

    /// <summary>A large piece behind the rate limit shows in each second of its way.</summary>
    [Test]
    [MetricCase("C11")]
    public async Task Send_SixtyFourMebibytesAtEightASecond_MovesEverySecond()
    {
        const int MiB = 1024 * 1024;
        var stream = _test.Add(out _);
        _test.Limiter.SetRate(8 * MiB);
        var sending = SendAsync(new TestSource(1, 64 * MiB));
        var (moves, began) = (0, _test.Time.GetUtcNow());
        while (!sending.IsCompleted)
        {
            var before = await SentAsync();
            Assert.That(before, Is.LessThanOrEqualTo(((_test.Time.GetUtcNow() - began).TotalSeconds + 1) * 8 * MiB));
            await Eventually.BecomesTrueAsync(async () =>
            {
                if (sending.IsCompleted || await SentAsync() > before)
                {
                    return true;
                }

                _test.Time.Advance(TimeSpan.FromMilliseconds(250));
                _test.ReportAll(stream);
                return false;
            });
            moves++;
        }

        Assert.That(moves, Is.GreaterThanOrEqualTo(8));
        Assert.That(await sending, Is.EqualTo(SendOutcome.Sent));
        Assert.That(await SentAsync(), Is.EqualTo(67108864));

        Task<double> SentAsync() => _test.ScrapeAsync("qbsync_bytes_sent_total{connection=\"0\"}");
    }

    [Test]
    [MetricCase("A03")]
    public async Task Send_AfterAFailedAttempt_CountsItsBytesAsResent()
    {
        _test.Add(out _);
        await SendAsync(new TestSource(1, 1000));
        Assert.That(await _test.ScrapeAsync("qbsync_bytes_resent_total"), Is.Zero);
        _test.Ledger.OnFailed(new TestSource(1, 1000).Piece);

        await SendAsync(new TestSource(1, 1000));

        Assert.That(await _test.ScrapeAsync("qbsync_bytes_resent_total"), Is.EqualTo(1000));
        Assert.That(await _test.ScrapeAsync("qbsync_bytes_sent_total{connection=\"0\"}"), Is.EqualTo(2000));
        Assert.That(await _test.ScrapeAsync("qbsync_pieces_sent_total{connection=\"0\"}"), Is.EqualTo(2));
    }

    [Test]
    [MetricCase("H02")]
    public async Task Send_ItsDuration_IsThatOfItsWritesAlone()
    {
        _test.Add(out var writer);
        writer.OnWrite = () =>
        {
            _test.Time.Advance(TimeSpan.FromMilliseconds(40));
            return Task.CompletedTask;
        };

        await SendAsync(new TestSource(1, 1000));
        _test.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.That(await _test.ScrapeAsync("qbsync_piece_send_duration_seconds_bucket{connection=\"0\",le=\"0.025\"}"), Is.Zero);
        Assert.That(await _test.ScrapeAsync("qbsync_piece_send_duration_seconds_bucket{connection=\"0\",le=\"0.05\"}"), Is.EqualTo(1));
    }

    /// <summary>A second behind the rate limit and fifty milliseconds in a write: the one is not the time that sending takes, the other is.</summary>
    [Test]
    [MetricCase("H02")]
    public async Task Send_ASecondBehindTheRateLimit_CountsOnlyTheTimeInItsWrites()
    {
        const int Rate = 64 * 1024;
        var test = new TestPool(new WaitingMovesTime());
        test.Add(out var writer);
        var isFirst = true;
        writer.OnWrite = () =>
        {
            test.Time.Advance(isFirst ? TimeSpan.FromMilliseconds(50) : TimeSpan.Zero);
            isFirst = false;
            return Task.CompletedTask;
        };
        test.Limiter.SetRate(Rate);
        var began = test.Time.GetTimestamp();

        Assert.That(await test.Sender.SendAsync(new TestSource(1, Rate + (Rate / 8)), CancellationToken.None).AsTask().DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));

        Assert.That(test.Time.GetElapsedTime(began), Is.GreaterThan(TimeSpan.FromSeconds(1)));
        Assert.That(await test.ScrapeAsync("qbsync_piece_send_duration_seconds_bucket{connection=\"0\",le=\"0.025\"}"), Is.Zero);
        Assert.That(await test.ScrapeAsync("qbsync_piece_send_duration_seconds_bucket{connection=\"0\",le=\"0.05\"}"), Is.EqualTo(1));
        Assert.That(await test.ScrapeAsync("qbsync_piece_send_duration_seconds_sum{connection=\"0\"}"), Is.EqualTo(0.05).Within(1e-9));
    }

    private Task<SendOutcome> SendAsync(TestSource source) => _test.Sender.SendAsync(source, CancellationToken.None).AsTask();

    /// <summary>A clock that goes on by what is waited for, and by nothing else: no wait is part of what is timed beside it.</summary>
    private sealed class WaitingMovesTime : FakeTimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime > TimeSpan.Zero)
            {
                _ = Task.Run(() => Advance(dueTime));
            }

            return timer;
        }
    }
}
