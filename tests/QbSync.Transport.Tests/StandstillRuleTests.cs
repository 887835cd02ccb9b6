namespace QbSync.Transport.Tests;

/// <summary>When a look after a standstill may end what seems to stand.</summary>
internal sealed class StandstillRuleTests
{
    [Test]
    public void Looks_OnceASecondOrALittleLate_EndThings() => Assert.That(Look(1, 2, 4, 7, 8), Is.EqualTo(new[] { true, true, true, true, true }));

    [Test]
    public void Look_AfterAStandstill_EndsNothingForAMoment()
    {
        Assert.That(Look(1, 41, 42), Is.EqualTo(new[] { true, false, true }));

        // The timer makes up for lost time.
        Assert.That(Look(1, 41, 41.001, 41.9, 42.001, 43), Is.EqualTo(new[] { true, false, false, false, true, true }));
    }

    [Test]
    public void First_LookThatComesLate_EndsNothing() => Assert.That(Look(40, 41), Is.EqualTo(new[] { false, true }));

    /// <summary>What stands is found also by a machine on which every look comes late.</summary>
    [Test]
    public void Looks_AllLate_EndThingsEverySecondTime() =>
        Assert.That(Look(10, 20, 30, 40, 50), Is.EqualTo(new[] { false, true, false, true, false }));

    private static bool[] Look(params double[] seconds)
    {
        var rule = new StandstillRule(TimeSpan.Zero);
        return [.. seconds.Select(second => rule.MayEnd(TimeSpan.FromSeconds(second)))];
    }
}
