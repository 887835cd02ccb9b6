using QbSync.Engine.Source;
using QbSync.Engine.Source.Records;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source;

/// <summary>When each class of fault is tried again, and when strikes make a torrent fail.</summary>
[TestFixture]
[SourceCase(77)]
internal sealed class FaultRulesTests
{
    private static readonly FaultRules Rules = new(TimeSpan.FromSeconds(30));

    [TestCase(FaultClass.TransientPeer, 1, 30)]
    [TestCase(FaultClass.TransientClient, 1, 30)]
    public void Delay_OfAnOutage_DoublesFromOneSecondToItsCapWithFullJitter(object fault, double first, double cap)
    {
        for (var failures = 1; failures <= 40; failures++)
        {
            var most = Math.Min(cap, first * Math.Pow(2, failures - 1));
            Assert.That(Rules.Delay((FaultClass)fault, failures, 1).TotalSeconds, Is.EqualTo(most).Within(0.001), $"{failures}, longest");
            Assert.That(Rules.Delay((FaultClass)fault, failures, 0.5).TotalSeconds, Is.LessThanOrEqualTo(most).And.GreaterThan(0), $"{failures}, middle");
            Assert.That(Rules.Delay((FaultClass)fault, failures, 0), Is.LessThanOrEqualTo(TimeSpan.FromSeconds(most / 2)), $"{failures}, shortest");
        }
    }

    [Test]
    public void Delay_ForWantOfRoom_DoublesFromFiveSecondsToFiveMinutesWithoutChance()
    {
        var seconds = Enumerable.Range(1, 9).Select(static failures => Rules.Delay(FaultClass.Capacity, failures, 0.3).TotalSeconds);
        Assert.That(seconds, Is.EqualTo([5, 10, 20, 40, 80, 160, 300, 300, 300]));
    }

    [Test]
    public void Delay_OfAConflict_IsFiveMinutesEachTime() =>
        Assert.That(new[] { 1, 2, 50 }.Select(static failures => Rules.Delay(FaultClass.Conflict, failures, 0.9)), Is.All.EqualTo(TimeSpan.FromMinutes(5)));

    [Test]
    public void Delay_OfAPermanentFault_IsThirtySecondsThenTwoMinutesNearby()
    {
        foreach (var (failures, seconds) in new[] { (1, 30.0), (2, 120.0), (3, 120.0), (20, 120.0) })
        {
            Assert.That(Rules.Delay(FaultClass.Permanent, failures, 0).TotalSeconds, Is.EqualTo(Math.Max(30, seconds * 0.8)).Within(0.01), "not before a strike counts");
            Assert.That(Rules.Delay(FaultClass.Permanent, failures, 1).TotalSeconds, Is.EqualTo(seconds * 1.2).Within(0.01));
        }
    }

    [Test]
    public void Delay_AskedByManyAtOnce_IsThatOfEach()
    {
        Parallel.For(0, 1000, static i => Assert.That(
            Rules.Delay(FaultClass.Capacity, (i % 9) + 1, 0.5).TotalSeconds, Is.EqualTo(Math.Min(300, 5 * Math.Pow(2, i % 9)))));
    }

    [Test]
    public void Strikes_OfThreeSpacedFaults_AreOutAndDecayOneByOne()
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var strikes = new StrikeLedger();
        foreach (var seconds in new[] { 0, 10, 29, 30, 59, 60 })
        {
            strikes.Add(now.AddSeconds(seconds));
        }

        Assert.That(strikes.At, Is.EqualTo(new[] { now, now.AddSeconds(30), now.AddSeconds(60) }), "thirty seconds apart at least");
        Assert.That(strikes.IsOut(now.AddSeconds(60)), Is.True);
        Assert.That(strikes.IsOut(now.AddHours(6)), Is.True, "just not forgotten");
        Assert.That(strikes.IsOut(now.AddHours(6).AddSeconds(1)), Is.False, "the first is");

        var restored = new StrikeLedger(strikes.At.Reverse());
        Assert.That(restored.IsOut(now.AddSeconds(60)), Is.True, "they are wall time, so that a restart forgives nothing");
        restored.Clear();
        Assert.That((restored.IsOut(now.AddSeconds(60)), restored.At.Count), Is.EqualTo((false, 0)));
    }
}
