using QbSync.Transport.Client.Backoff;

namespace QbSync.Transport.Tests.Client.Backoff;

internal sealed class ReconnectBackoffTests
{
    [Test]
    public void Next_EachFailure_DoublesTheCeilingUpToTheMost()
    {
        var backoff = new ReconnectBackoff(TimeSpan.FromSeconds(30), new Highest());

        var pauses = Enumerable.Range(0, 8).Select(_ => Math.Round(backoff.Next().TotalSeconds));

        Assert.That(pauses, Is.EqualTo(new double[] { 1, 2, 4, 8, 16, 30, 30, 30 }));
    }

    [Test]
    public void Next_AnyChance_LiesBetweenNothingAndTheCeiling()
    {
        var backoff = new ReconnectBackoff(TimeSpan.FromSeconds(30), new Random(7));

        var pauses = Enumerable.Range(0, 1000).Select(_ => backoff.Next().TotalSeconds).ToList();

        Assert.That(pauses, Has.All.InRange(0, 30));
        Assert.That(pauses.Skip(10).Average(), Is.EqualTo(15).Within(1.5), "full jitter");
    }

    [Test]
    public void Reset_AfterFailures_BeginsAnew()
    {
        var backoff = new ReconnectBackoff(TimeSpan.FromSeconds(30), new Highest());
        backoff.Next();
        backoff.Next();

        backoff.Reset();

        Assert.That(backoff.Next().TotalSeconds, Is.EqualTo(1).Within(0.01));
    }

    private sealed class Highest : Random
    {
        public override double NextDouble() => 0.999_999;
    }
}
