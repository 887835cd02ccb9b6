using QbSync.Transport.Congestion;

namespace QbSync.Transport.Tests.Congestion;

internal sealed class EstimatorTests
{
    [Test]
    public void Rtt_SamplesOfTwoHalves_LeastIsOfBoth()
    {
        var rtt = new RttEstimator();

        rtt.Add(TimeSpan.FromMilliseconds(10), TimeSpan.Zero);
        rtt.Add(TimeSpan.FromMilliseconds(30), TimeSpan.FromMinutes(6));

        Assert.That(rtt.Least, Is.EqualTo(TimeSpan.FromMilliseconds(10)));
    }

    [Test]
    public void Rtt_OldSample_IsForgotten()
    {
        var rtt = new RttEstimator();

        rtt.Add(TimeSpan.FromMilliseconds(10), TimeSpan.Zero);
        rtt.Add(TimeSpan.FromMilliseconds(30), TimeSpan.FromMinutes(6));
        rtt.Add(TimeSpan.FromMilliseconds(40), TimeSpan.FromMinutes(12));

        Assert.That(rtt.Least, Is.EqualTo(TimeSpan.FromMilliseconds(30)));
    }

    [Test]
    public void Rtt_NegativeSample_CountsAsNothing()
    {
        var rtt = new RttEstimator();

        rtt.Add(TimeSpan.FromMilliseconds(-1), TimeSpan.Zero);

        Assert.That(rtt.Least, Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public void Rate_LimitedSample_MayOnlyRaise()
    {
        var rate = new DeliveryRateEstimator();
        Deliver(rate, 1000, sentAt: 0, reportedAt: 1);
        var before = rate.Rate;

        for (var second = 1; second < 100; second++)
        {
            rate.MarkLimited();
            Deliver(rate, 10 + (1000L * second), second, second + 1);
        }

        Assert.That(rate.Rate, Is.GreaterThanOrEqualTo(before));
    }

    [Test]
    public void Rate_TenSlowerRounds_AreBelieved()
    {
        var rate = new DeliveryRateEstimator();
        var delivered = 0L;
        Deliver(rate, delivered += 100_000, sentAt: 0, reportedAt: 1);
        Assert.That(rate.Rate, Is.EqualTo(100_000).Within(1));

        for (var second = 1; second <= 11; second++)
        {
            Deliver(rate, delivered += 5000, second, second + 1);
        }

        Assert.That(rate.Rate, Is.EqualTo(5000).Within(1));
    }

    private static long _delivered;

    [SetUp]
    public void Begin() => _delivered = 0;

    private static void Deliver(DeliveryRateEstimator rate, long upTo, int sentAt, int reportedAt)
    {
        var mark = rate.OnHandedOver((int)(upTo - _delivered), TimeSpan.FromSeconds(sentAt));
        rate.OnDelivered(upTo - _delivered, TimeSpan.FromSeconds(reportedAt));
        rate.Sample(mark, TimeSpan.FromSeconds(sentAt), TimeSpan.FromSeconds(reportedAt));
        _delivered = upTo;
    }

    [TestCase(0, 0, 256)]
    [TestCase(400, 0, 1024)]
    [TestCase(100, 0, 512)]
    [TestCase(1, 0, 64)]
    [TestCase(12, 200, 512)]
    public void ChunkSize_IsAPowerOfTwoThatSuitsRateAndRoundTrip(int mebibytes, int milliseconds, int kibibytes) =>
        Assert.That(
            ChunkSizing.For(mebibytes * 1024 * 1024, TimeSpan.FromMilliseconds(milliseconds)),
            Is.EqualTo(kibibytes * 1024));

    [TestCase(0, 1024 * 1024)]
    [TestCase(1024 * 1024, 104857)]
    [TestCase(64 * 1024, 16 * 1024)]
    public void ChunkSize_LimitedLink_SendsAtMostATenthOfASecond(int rate, int expected) =>
        Assert.That(ChunkSizing.Limited(1024 * 1024, rate), Is.EqualTo(expected));
}
