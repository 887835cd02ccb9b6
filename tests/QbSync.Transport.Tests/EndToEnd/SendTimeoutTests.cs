using System.Globalization;
using Prometheus;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Metrics;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>A way that is slow, and one that takes nothing any more.</summary>
internal sealed class SendTimeoutTests
{
    private const int PieceLength = 16 << 20;
    private const int Streams = 4;
    private const int SlowRate = 64 * 1024 / Streams;
    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(5);

    /// <summary>In real time, and no longer than the timeout: a machine that stands still for so long is no way that moves.</summary>
    [Test]
    [Category("Long")]
    [TransportCase(35)]
    [MetricCase("C36")]
    public async Task SendTimeout_SlowWay_NeverComes() => await RunAsync(Streams, SlowRate, async (registry, relay, link, lost) =>
    {
        var slowFrom = relay.Passed;
        await Eventually.BecomesTrueAsync(() => relay.Passed >= slowFrom + (2 * (long)SendTimeout.TotalSeconds * Streams * SlowRate));
        Assert.That((await SumAsync(registry, "qbsync_stream_reconnects_total"), link.OpenStreams, lost()), Is.EqualTo((0.0, Streams, 0)));
        Assert.That(await SumAsync(registry, "qbsync_send_timeout_total"), Is.Zero);
    });

    /// <summary>Nothing goes by any more, so no stream can be opened anew: each of the two has its one timeout, and there is no third.</summary>
    [Test]
    [TransportCase(35)]
    [MetricCase("C36")]
    public async Task SendTimeout_WayThatStands_ReleasesTheWriteOfEachStream() => await RunAsync(streams: 2, bytesPerSecond: 0, async (registry, _, link, lost) =>
    {
        await Eventually.BecomesTrueAsync(() => lost() >= 2);
        await Eventually.BecomesTrueAsync(async () => await SumAsync(registry, "qbsync_receive_acks_exit_total") == 2);
        Assert.That((await SumAsync(registry, "qbsync_send_timeout_total"), link.OpenStreams), Is.EqualTo((2.0, 0)));
    });

    /// <summary>Senders at work on a way that became slow; windows hold more than sockets from the beginning, so that writes have to wait.</summary>
    private static async Task RunAsync(int streams, int bytesPerSecond, Func<CollectorRegistry, MeteredRelay, IPieceLink, Func<int>, Task> test)
    {
        using var log = new LogErrorGuard();
        var registry = Prometheus.Metrics.NewCustomRegistry();
        await using var server = await PieceServer.StartAsync(new TestIntake(PieceLength), log);
        await using var relay = new MeteredRelay(server.Port);
        var options = new TransportClientOptions
        {
            Address = $"127.0.0.1:{relay.Port.ToString(CultureInfo.InvariantCulture)}",
            MinConnections = streams,
            MaxConnections = streams,
            MaxStreamsPerConnection = 1,
            SendTimeout = SendTimeout,

            // What stands is given up for that alone, however late somebody looks.
            KeepAlive = TimeSpan.FromMinutes(5),
            PieceTimeout = TimeSpan.FromHours(1),
            DrainTimeout = TimeSpan.FromSeconds(1),
            Congestion = new CongestionOptions { StartWindow = 16 << 20 },
        };
        options.Security.Mode = SecurityMode.Insecure;
        await using var destination = new RemoteDestination(options, Prometheus.Metrics.WithCustomRegistry(registry), registry, log, TimeProvider.System, new Random(1));
        await using var link = destination.OpenLink(new Caller(Guid.NewGuid(), "test"), new RecordingSink());
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == streams);
        relay.Slow(bytesPerSecond);

        using var stop = new CancellationTokenSource();
        var next = 0;
        var lost = 0;
        var senders = Enumerable.Range(0, streams).Select(_ => Task.Run(async () =>
        {
            // Bounded, so that a test that failed does not leave senders going round on a closed link.
            while (!stop.IsCancellationRequested && Volatile.Read(ref next) < 100_000)
            {
                var outcome = await link.SendAsync(new TestSource(Interlocked.Increment(ref next), PieceLength), CancellationToken.None);
                Interlocked.Add(ref lost, outcome == SendOutcome.Lost ? 1 : 0);
            }
        })).ToList();

        await test(registry, relay, link, () => Volatile.Read(ref lost));
        await stop.CancelAsync();
        await link.DisposeAsync().DefaultTimeout();
        await Task.WhenAll(senders).DefaultTimeout();
    }

    private static async Task<double> SumAsync(CollectorRegistry registry, string family)
    {
        using var text = new MemoryStream();
        await MovedSeries.CollectAsync(registry, text);
        var lines = System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n').Where(line => line.StartsWith(family, StringComparison.Ordinal)).ToList();
        Assert.That(lines, Is.Not.Empty, family);
        return lines.Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
