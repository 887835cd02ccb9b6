using QbSync.Engine.Shared;

namespace QbSync.Engine.Tests.Shared;

public sealed class LookTimesTests
{
    [Test]
    public void Looks_AnsweredAtOnce_AreAtATenthAQuarterThenEveryHalfSecond()
    {
        var times = new LookTimes(TimeSpan.FromSeconds(2));
        List<double> looks = [];
        do
        {
            looks.Add(times.Next.TotalMilliseconds);
        }
        while (!times.Looked(times.Next));
        Assert.That(looks, Is.EqualTo(new double[] { 100, 250, 750, 1250, 1750, 2000 }));
    }

    [Test]
    public void Looks_AnsweredLate_GoOnFromTheAnswer()
    {
        var times = new LookTimes(TimeSpan.FromSeconds(30));
        Assert.That(times.Looked(TimeSpan.FromSeconds(3)), Is.False);
        Assert.That(times.Next, Is.EqualTo(TimeSpan.FromSeconds(3.5)));
        Assert.That(times.Looked(TimeSpan.FromSeconds(31)), Is.True);
    }

    [Test]
    public void Looks_WithoutABound_GoOn()
    {
        var times = new LookTimes(Timeout.InfiniteTimeSpan);
        Assert.That(times.Looked(TimeSpan.FromHours(10)), Is.False);
        Assert.That(times.Next, Is.EqualTo(TimeSpan.FromHours(10) + TimeSpan.FromMilliseconds(500)));
    }
}
