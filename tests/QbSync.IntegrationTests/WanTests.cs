using QbSync.Testing.Networks;
using QbSync.Testing.Specifications;
using QbSync.Wan;

namespace QbSync.IntegrationTests;

/// <summary>
/// The transport over links of the outside world, between two processes in networks of their own. Selected by <c>test.sh</c> where a machine lets them be
/// made. Plain TCP beside it, over the same link, is the measure: so it holds on a busy machine, too.
/// </summary>
[Category("Wan")]
[NonParallelizable]
internal sealed class WanTests
{
    private const double LeastOfPlainTcp = 0.85;
    private const int Pairs = 3;

    [OneTimeSetUp]
    public void Look()
    {
        if (WanLink.FindObstacle() is { } obstacle)
        {
            Assert.Ignore($"No networks of one's own: {obstacle}");
        }
    }

    [TestCase(100, 50, 0)]
    [TestCase(500, 100, 0)]
    [TestCase(100, 100, 0.01)]
    [TransportCase(49)]
    public async Task Transport_OverALink_GetsNearlyWhatPlainTcpGets(int megabits, int milliseconds, double loss)
    {
        var shape = new LinkShape { BitsPerSecond = megabits * 1_000_000L, RoundTrip = TimeSpan.FromMilliseconds(milliseconds), Loss = loss };

        // Both cross the link one after the other, and a machine that is busy meanwhile slows either: the best of three pairs is what the transport can do.
        var best = 0.0;
        for (var run = 1; run <= Pairs && best < LeastOfPlainTcp; run++)
        {
            var ours = await Cell.RunTransportAsync(new WanOptions { Seconds = 7, WarmUp = 6, PieceBytes = 4 << 20 }, shape, "auto");
            var plain = await Cell.RunFlowsAsync(
                new WanOptions { Seconds = 4, WarmUp = 2 }, shape, Cell.PlainCongestion("auto", shape), (int)ours.Source.Connections);
            best = Math.Max(best, ours.SteadyRate / plain.SteadyRate);
            TestContext.Out.WriteLine(
                $"{shape}: {ours.SteadyRate / 1e6:0.0} Mbit/s over {ours.Source.Connections} connections, plain TCP {plain.SteadyRate / 1e6:0.0} Mbit/s.");
            Assert.That(ours.Source.Failures, Is.Zero, "pieces lost, refused or wrong");
        }

        Assert.That(best, Is.GreaterThanOrEqualTo(LeastOfPlainTcp));
    }

    [Test]
    [TransportCase(41)]
    public async Task Call_WhileSlowDataSocketsAreFull_IsAnsweredSoon()
    {
        var shape = new LinkShape { BitsPerSecond = 1_000_000, RoundTrip = TimeSpan.FromMilliseconds(100) };

        var run = await Cell.RunTransportAsync(new WanOptions { Seconds = 8, WarmUp = 2, PieceBytes = 4 << 20 }, shape, "cubic");

        // Behind full sockets each call would wait for half a minute: the median call tells it as well as the worst, which a machine that stands still for a
        // second decides. In such a second nothing crosses the link, either.
        Assert.That(run.WireRate, Is.GreaterThan(0.75 * shape.BitsPerSecond), "the data connections have all of the link");
        Assert.That(run.Source.CallSeconds, Is.InRange(shape.RoundTrip.TotalSeconds, (2 * shape.RoundTrip.TotalSeconds) + 1));
    }
}
