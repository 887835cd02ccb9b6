using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Specifications;
using QbSync.Transport.Client;

namespace QbSync.Transport.Tests.Client;

internal sealed class ThroughputMeterTests
{
    [Test]
    [MetricCase("G08")]
    public void BytesPerSecond_HundredMiBInTenSeconds_IsTenMiB()
    {
        var time = new FakeTimeProvider();
        var meter = new ThroughputMeter(new LinkClock(time));

        for (var second = 0; second < 10; second++)
        {
            meter.Add(10 * 1024 * 1024);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.That((meter.BytesPerSecond, meter.BytesPerSecond), Is.EqualTo((10485760.0, 10485760.0)), "reading changes nothing");
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.That(meter.BytesPerSecond, Is.Zero);
    }

    [Test]
    public void BytesPerSecond_SecondThatRuns_IsNotCounted()
    {
        var time = new FakeTimeProvider();
        var meter = new ThroughputMeter(new LinkClock(time));

        meter.Add(1000);

        Assert.That(meter.BytesPerSecond, Is.Zero);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(meter.BytesPerSecond, Is.EqualTo(100));
    }
}
