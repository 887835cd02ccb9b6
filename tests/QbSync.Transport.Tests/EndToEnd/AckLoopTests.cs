using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>Answers of a real stream whose sink is stuck, slow, or as fast as the senders. The source's clock is the test's.</summary>
internal sealed class AckLoopTests
{
    private const int PieceLength = 10;

    // One is with the sink, 4096 wait for it, and the next holds the ack loop up.
    private const int HeldUp = 4098;

    private readonly FakeTimeProvider _time = new();
    private LinkRig _rig = null!;
    private SemaphoreSlim _permits = null!;
    private int _next;

    [SetUp]
    public void Begin()
    {
        _rig = new LinkRig { Time = _time };
        _permits = new SemaphoreSlim(0);
        _next = 0;
    }

    [TearDown]
    public async Task EndAsync()
    {
        _permits.Release(1_000_000);
        await _rig.DisposeAsync();
        _permits.Dispose();
    }

    [Test]
    [TransportCase(36)]
    [MetricCase("C37")]
    [MetricCase("C38")]
    [MetricCase("L7")]
    public async Task Sink_BlockedFor31Seconds_EndsTheStreamAndItsPiecesAreDueAgain()
    {
        const int Unread = 32;
        await OpenAsync(isSinkHeld: true);
        await SendAsync(HeldUp + Unread);
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_inflight_pieces") == Unread);

        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total"), Is.Zero);
        await Eventually.BecomesTrueAsync(async () =>
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            return await _rig.SumAsync("qbsync_ack_channel_blocked_total") == 1;
        });
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total{reason=\"ack_channel_blocked\"}"), Is.EqualTo(1));
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total"), Is.EqualTo(1));

        _permits.Release(1_000_000);
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count + _rig.Sink.Losses.Count == HeldUp + Unread);
        Assert.That(_rig.Sink.Losses.Select(loss => loss.Cause), Has.Exactly(Unread + 1).EqualTo(PieceLossCause.StreamLost));
        Assert.That(_rig.Sink.Acks.Select(ack => ack.Attempt).Concat(_rig.Sink.Losses.Select(loss => loss.Attempt)), Is.Unique);

        // Its successor works. Its pause is a second at most; to be taken it has ten, which are not to go by while it is on the way.
        await Eventually.BecomesTrueAsync(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            return _rig.Link.OpenStreams == 1;
        });
        await SendAsync(1);
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == HeldUp);
    }

    [Test]
    [TransportCase(36)]
    [MetricCase("C38")]
    public async Task Sink_SlowButSteadyForTenMinutes_LosesNothing()
    {
        const int Steps = 30;
        await OpenAsync(isSinkHeld: true);
        await SendAsync(HeldUp + 1);
        for (var step = 1; step <= Steps; step++)
        {
            await Eventually.BecomesTrueAsync(async () => _rig.Sink.Acks.Count == step && await _rig.SumAsync("qbsync_inflight_pieces") == 1);
            _time.Advance(TimeSpan.FromSeconds(20));
            _permits.Release();
            await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == step + 1);
            await SendAsync(1);
        }

        Assert.That((await _rig.SumAsync("qbsync_receive_acks_exit_total"), _rig.Link.OpenStreams), Is.EqualTo((0.0, 1)));
        _permits.Release(1_000_000);
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == HeldUp + 1 + Steps);
        Assert.That(await _rig.SumAsync("qbsync_ack_channel_blocked_total"), Is.Zero);
        Assert.That(_rig.Sink.Losses, Is.Empty);
    }

    [Test]
    [TransportCase(36)]
    public async Task WritesAndAcks_CrossTenThousandTimes_NeitherWaitsForTheOtherForEver()
    {
        const int Pieces = 10_000;
        await OpenAsync(isSinkHeld: false);
        await SendAsync(Pieces, senders: 8);
        await Eventually.BecomesTrueAsync(() => _rig.Sink.Acks.Count == Pieces);
        Assert.That(_rig.Sink.Held.Order(), Is.EqualTo(Enumerable.Range(1, Pieces)));
        Assert.That(_rig.Sink.Losses, Is.Empty);
    }

    private async Task OpenAsync(bool isSinkHeld)
    {
        if (isSinkHeld)
        {
            _rig.Sink.OnAcked = _ => _permits.Wait(TimeSpan.FromMinutes(5));
        }

        _rig.Open((await _rig.StartAsync(new TestIntake(PieceLength))).Port, static options =>
        {
            options.MinConnections = 1;
            options.MaxConnections = 1;
            options.MaxStreamsPerConnection = 1;
            options.PieceTimeout = TimeSpan.FromHours(1);
        });
        await Eventually.BecomesTrueAsync(() => _rig.Link.OpenStreams == 1);
    }

    private async Task SendAsync(int count, int senders = 1)
    {
        var outcomes = await _rig.SendAsync(Enumerable.Range(_next + 1, count).Select(index => new TestSource(index, PieceLength)), senders).DefaultTimeout();
        _next += count;
        Assert.That(outcomes, Is.All.EqualTo(SendOutcome.Sent));
    }
}
