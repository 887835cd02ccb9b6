using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.EndToEnd;

/// <summary>What is told of the sockets of a real link: each by its slot, as long as the slot has one.</summary>
internal sealed class TcpFiguresTests
{
    private const int MiB = 1 << 20;
    private const string RoundTrip = "qbsync_tcp_smoothed_rtt_seconds";
    private const string Congestion = "qbsync_tcp_congestion_info";
    private const string Algorithms = "/proc/sys/net/ipv4/tcp_available_congestion_control";

    /// <summary>Three connections may be, and two are: the third slot has no series, nor has any once its socket is closed.</summary>
    [Test]
    [MetricCase("A31"), MetricCase("A32"), MetricCase("G20")]
    public async Task Sockets_OfALink_AreToldBySlotAndNoneOfAFreeOne()
    {
        await using var rig = new LinkRig();
        var port = FreePorts.Take();
        var server = await rig.StartAsync(new TestIntake(MiB / 4), port);
        rig.Open(port, static options => (options.MinConnections, options.MaxConnections, options.MaxStreamsPerConnection) = (2, 3, 1));
        await Eventually.BecomesTrueAsync(() => rig.Link.OpenStreams == 2);
        await rig.SendAsync(Enumerable.Range(0, 8).Select(static index => new TestSource(index, MiB / 4)), senders: 2);

        // A socket is looked at now and then.
        string[] taken = OperatingSystem.IsLinux() ? ["0", "1"] : [];
        await Eventually.BecomesTrueAsync(async () => Slots(await rig.SeriesAsync(RoundTrip)).SequenceEqual(taken) && Slots(await rig.SeriesAsync(Congestion)).SequenceEqual(taken));
        Assert.That(await rig.SumAsync("qbsync_grpc_connections_active"), Is.EqualTo(2));
        Assert.That((await rig.SeriesAsync(RoundTrip)).Select(static line => line.Value), Has.All.Positive);
        foreach (var (series, value) in await rig.SeriesAsync(Congestion))
        {
            Assert.That(value, Is.EqualTo(1));
            if (File.Exists(Algorithms))
            {
                Assert.That((await File.ReadAllTextAsync(Algorithms)).Split(' ', '\n').Where(static name => name.Length > 0), Has.Member(LabelOf(series, "algorithm")));
            }
        }

        await rig.CloseAsync(server);
        await Eventually.BecomesTrueAsync(async () =>
            await rig.SumAsync("qbsync_grpc_connections_active") == 0
            && (await rig.SeriesAsync(RoundTrip)).Count == 0
            && (await rig.SeriesAsync(Congestion)).Count == 0);

        await rig.StartAsync(new TestIntake(MiB / 4), port);
        await Eventually.BecomesTrueAsync(async () =>
            await rig.SumAsync("qbsync_grpc_connections_active") == 2 && Slots(await rig.SeriesAsync(RoundTrip)).SequenceEqual(taken));
    }

    private static IEnumerable<string> Slots(IReadOnlyList<(string Series, double Value)> series) =>
        series.Select(static line => LabelOf(line.Series, "connection")).Order(StringComparer.Ordinal);

    private static string LabelOf(string series, string label)
    {
        var from = series.IndexOf(label + "=\"", StringComparison.Ordinal) + label.Length + 2;
        return series[from..series.IndexOf('"', from)];
    }
}
