using QbSync.Ports;

namespace QbSync.Tests.Ports;

public sealed class ShareLimitsTests
{
    [TestCase(2.0, 1.0, 1.0)]
    [TestCase(2.0, 0.0, 2.0)]
    [TestCase(2.0, -1.0, 2.0)]
    [TestCase(2.0, 2.0, -2.0)]
    [TestCase(2.0, 7.0, -2.0)]
    [TestCase(0.0, 0.0, -2.0)]
    [TestCase(-1.0, 7.0, -1.0)]
    [TestCase(-2.0, 7.0, -2.0)]
    public void WhatIsLeft_OfALimit_IsItsRestOrNothingOfItsOwn(double limit, double used, double left)
    {
        Assert.That(ShareLimit.FromNumber(limit).After(used), Is.EqualTo(ShareLimit.FromNumber(left)));
        var after = ShareLimits.FromNumbers(limit, limit, limit).After(used, TimeSpan.FromMinutes(used));
        Assert.That(after, Is.EqualTo(ShareLimits.FromNumbers(left, left, limit)));
    }

    [Test]
    public void SeedingMinutes_BegunAndNotOver_AreLeft() =>
        Assert.That(ShareLimits.FromNumbers(-2, 10, null).After(0, TimeSpan.FromSeconds(119)).SeedingMinutes, Is.EqualTo(ShareLimit.Of(9)));

    [TestCase(-2.0, ShareLimitKind.Global)]
    [TestCase(null, ShareLimitKind.Global)]
    [TestCase(-0.5, ShareLimitKind.Global)]
    [TestCase(double.NaN, ShareLimitKind.Global)]
    [TestCase(double.PositiveInfinity, ShareLimitKind.Global)]
    [TestCase(-1.0, ShareLimitKind.Unlimited)]
    [TestCase(0.0, ShareLimitKind.Value)]
    [TestCase(1.5, ShareLimitKind.Value)]
    public void Number_OfAClient_IsItsLimit(double? number, ShareLimitKind kind)
    {
        var limit = ShareLimit.FromNumber(number);
        Assert.That(limit.Kind, Is.EqualTo(kind));
        Assert.That(ShareLimit.FromNumber(limit.ToNumber()), Is.EqualTo(limit));
    }

    [TestCase(-1.0)]
    [TestCase(double.NaN)]
    public void Value_ThatIsNoLimit_IsAnArgumentError(double value) =>
        Assert.That(() => ShareLimit.Of(value), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
