using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>
/// Experiments on a real link: what they add opens and carries, what brings nothing is drained and closed. Samples are short here, so that a test is.
/// </summary>
internal sealed class LinkScalingTests
{
    private const int MiB = 1 << 20;
    private const int Senders = 8;

    private LinkRig _rig = null!;

    [SetUp]
    public void Begin() => _rig = new LinkRig();

    [TearDown]
    public async Task EndAsync() => await _rig.DisposeAsync();

    [Test]
    [TransportCase(26)]
    [MetricCase("C39")]
    [MetricCase("A31"), MetricCase("A32"), MetricCase("G20")]
    public async Task Link_ConnectionsAreSlow_ANewOneCarries()
    {
        var server = await _rig.StartAsync(new TestIntake(MiB / 4));
        var relay = _rig.Own(new SlowRelay(server.Port) { PaceOf = static () => new Pace(2 * MiB) });
        Open(relay.Port, maxConnections: 3);

        var sending = SendWhileAsync(out var stop);
        await Eventually.BecomesTrueAsync(async () => await CountAsync("up") >= 1 && await _rig.SumAsync("qbsync_bytes_sent_total{connection=\"2\"}") > 0);

        // TCP is asked for each socket now and then.
        await Eventually.BecomesTrueAsync(async () =>
            await _rig.SumAsync("qbsync_stream_pool_size") == 3
            && await _rig.SumAsync("qbsync_grpc_connections_active") == 3
            && (await _rig.SeriesAsync("qbsync_tcp_smoothed_rtt_seconds")).Count == (OperatingSystem.IsLinux() ? 3 : 0));
        Assert.That((await _rig.SeriesAsync("qbsync_tcp_congestion_info")).Select(series => series.Value), Has.All.EqualTo(1));
        stop.Set();
        await sending.DefaultTimeout();

        Assert.That(_rig.Sink.Losses, Is.Empty);
        Assert.That(await _rig.SumAsync("qbsync_stream_reconnects_total"), Is.Zero);
    }

    /// <summary>
    /// On a long way a stream has no more on it than its window; TCP could carry more, so another stream does. There is one connection at most here: on a
    /// busy machine TCP is busy, too, and a connection would rightly be added; <see cref="Client.Pooling.StreamScalerTests"/> has that choice.
    /// </summary>
    [Test]
    [TransportCase(26)]
    public async Task Link_StreamsAreTheLimit_ANewStreamCarriesOnTheSameConnection()
    {
        var server = await _rig.StartAsync(new TestIntake(MiB / 4), configure: static options => options.StreamWindow = MiB);
        var relay = _rig.Own(new SlowRelay(server.Port) { Delay = TimeSpan.FromMilliseconds(150) });
        _rig.Open(
            relay.Port,
            static options => (options.Scaling, options.MinConnections, options.MaxConnections, options.MaxStreamsPerConnection) = (true, 1, 1, 2),
            static options => options.SampleTime = TimeSpan.FromMilliseconds(500));

        var sending = SendWhileAsync(out var stop);
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_stream_pool_size") == 2);
        Assert.That(await _rig.SumAsync("qbsync_grpc_connections_active"), Is.EqualTo(1));
        Assert.That(relay.Connections, Is.EqualTo(2), "the control connection and one for pieces");
        stop.Set();
        await sending.DefaultTimeout();

        Assert.That(_rig.Sink.Losses, Is.Empty);
        Assert.That(await _rig.SumAsync("qbsync_connection_scale_events_total{direction=\"up\"}"), Is.Zero);
    }

    [Test]
    [MetricCase("C39")]
    [MetricCase("G03"), MetricCase("G07")]
    public async Task Link_WayIsSlow_ANewConnectionBringsNothingAndIsDrained()
    {
        var server = await _rig.StartAsync(new TestIntake(MiB / 4));
        var all = new Pace(4 * MiB);
        var relay = _rig.Own(new SlowRelay(server.Port) { PaceOf = () => all });

        // Ten times as much: no moment at which the machine stood still looks like that.
        Open(relay.Port, maxConnections: 3, minGain: 10);

        // A rate that changes by a quarter ends the pause, and then all this comes once more.
        var sending = SendWhileAsync(out var stop);
        await Eventually.BecomesTrueAsync(async () =>
            await CountAsync("down") >= 1
            && await CountAsync("up") >= 1
            && await _rig.SumAsync("qbsync_stream_pool_scaling_paused") == 1
            && await _rig.SumAsync("qbsync_stream_pool_size") == 2
            && await _rig.SumAsync("qbsync_grpc_connections_active") == 2);
        Assert.That(await _rig.SeriesAsync("qbsync_tcp_congestion_info"), Has.Count.LessThanOrEqualTo(3));
        stop.Set();
        await sending.DefaultTimeout();

        Assert.That(_rig.Sink.Losses, Is.Empty, "it was drained");
        Assert.That(await _rig.SumAsync("qbsync_stream_reconnects_total"), Is.Zero);
        await Eventually.BecomesTrueAsync(async () => await _rig.SumAsync("qbsync_receive_acks_exit_total{reason=\"context_cancel\"}") == await CountAsync("down"));
        Assert.That(await _rig.SumAsync("qbsync_receive_acks_exit_total{reason=\"error\"}"), Is.Zero);
    }

    private Task<double> CountAsync(string direction) => _rig.SumAsync($"qbsync_connection_scale_events_total{{direction=\"{direction}\"}}");

    private void Open(int port, int maxConnections, double minGain = 0.05) => _rig.Open(
        port,
        options => (options.Scaling, options.MaxConnections) = (true, maxConnections),
        options => (options.MinGain, options.SampleTime) = (minGain, TimeSpan.FromMilliseconds(500)));

    private Task SendWhileAsync(out ManualResetEventSlim stop)
    {
        var stopped = stop = new ManualResetEventSlim();
        return _rig.SendUntilAsync(() => stopped.IsSet, MiB / 4, Senders);
    }
}
