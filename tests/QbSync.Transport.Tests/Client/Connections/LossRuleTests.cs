using QbSync.Testing.Specifications;
using QbSync.Transport.Client.Connections;

namespace QbSync.Transport.Tests.Client.Connections;

internal sealed class LossRuleTests
{
    private const int Segment = 1448;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    private LossRule _rule = null!;
    private TimeSpan _now;
    private TcpInfo _last;

    [SetUp]
    public void Begin()
    {
        _rule = new LossRule();
        _now = TimeSpan.Zero;
        _last = Figures(100, 0, 0);
    }

    [Test]
    [TransportCase(32)]
    public void Samples_LossesWhileTheQueueIsEmpty_AreTheWays()
    {
        var found = Enumerable.Range(0, 50).Select(_ => Next(roundTrip: 104, resent: Segment, acknowledged: 100 * Segment)).ToList();

        Assert.That(found.Count(static shows => shows), Is.EqualTo(1), "told once");
        Assert.That(found.IndexOf(true), Is.EqualTo(5), "the sixth loss");
        Assert.That(_rule.IsLossy, Is.True);
    }

    [Test]
    [TransportCase(32)]
    public void Samples_LossesOfAFullQueue_AreOurs()
    {
        for (var i = 0; i < 1000; i++)
        {
            // Cubic after a loss: seven tenths of twice what the way holds.
            Next(roundTrip: i % 10 == 0 ? 200 : 140, resent: i % 10 == 0 ? 20 * Segment : 0, acknowledged: 500 * Segment);
        }

        Assert.That(_rule.IsLossy, Is.False);
    }

    [Test]
    public void Samples_QueueThatGoesAwayWithItsLoss_IsOurs()
    {
        for (var i = 0; i < 100; i++)
        {
            Next(roundTrip: 200, resent: 0, acknowledged: 500 * Segment);
            Next(roundTrip: 100, resent: 20 * Segment, acknowledged: 500 * Segment);
        }

        Assert.That(_rule.IsLossy, Is.False);
    }

    [Test]
    public void Samples_SeldomLosses_AreNotWorthIt()
    {
        for (var i = 0; i < 1000; i++)
        {
            Next(roundTrip: 100, resent: i % 20 == 0 ? Segment : 0, acknowledged: 500 * Segment);
        }

        Assert.That(_rule.IsLossy, Is.False, "one loss in four seconds leaves cubic its rate");
    }

    [Test]
    public void Samples_ShareTooSmall_IsWhatCubicLosesItself()
    {
        for (var i = 0; i < 200; i++)
        {
            Next(roundTrip: 100, resent: Segment, acknowledged: 10_000 * Segment);
        }

        Assert.That(_rule.IsLossy, Is.False);
    }

    [Test]
    public void Samples_AnotherSocketsFigures_CountNothing()
    {
        for (var i = 0; i < 100; i++)
        {
            Assert.That(_rule.OnSample(_now += Tick, Figures(100, 1 << 30, 1 << 30), Figures(100, Segment, Segment)), Is.False);
        }
    }

    [Test]
    public void Samples_KernelWithoutThem_CountNothing()
    {
        var bare = new TcpInfo { RoundTrip = TimeSpan.FromMilliseconds(100) };

        Assert.That(Enumerable.Range(0, 100).Any(_ => _rule.OnSample(_now += Tick, bare, bare)), Is.False);
    }

    private bool Next(double roundTrip, long resent, long acknowledged)
    {
        var before = _last;
        _last = Figures(roundTrip, before.Resent!.Value + resent, before.Acknowledged!.Value + acknowledged);
        return _rule.OnSample(_now += Tick, before, _last);
    }

    private static TcpInfo Figures(double roundTrip, long resent, long acknowledged) => new()
    {
        RoundTrip = TimeSpan.FromMilliseconds(roundTrip),
        LeastRoundTrip = TimeSpan.FromMilliseconds(100),
        Resent = resent,
        Acknowledged = acknowledged,
    };
}
