using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Handoff;

[TestFixture]
internal sealed class RemainingLimitsTests
{
    // As clients write them: -2 global, -1 unlimited; null where a client has no such limit. The torrent has ratio 0.5 and has seeded 30 minutes.
    [TestCase(2.0, 100.0, 60.0, 1.5, 70.0, 60.0, TestName = "Explicit_TheRestGoesAlong")]
    [TestCase(0.5, 30.0, 60.0, -2.0, -2.0, 60.0, TestName = "Reached_NothingIsSet")]
    [TestCase(0.2, 10.0, -2.0, -2.0, -2.0, -2.0, TestName = "Exceeded_NothingIsSet")]
    [TestCase(-2.0, -2.0, -2.0, -2.0, -2.0, -2.0, TestName = "Global_StaysTheClientsOwn")]
    [TestCase(-1.0, -1.0, -1.0, -1.0, -1.0, -1.0, TestName = "Unlimited_StaysUnlimited")]
    [TestCase(2.0, 100.0, null, 1.5, 70.0, -2.0, TestName = "ClientWithoutInactiveLimit_SetsNone")]
    [SourceCase(97)]
    public void Remaining(double ratio, double minutes, double? inactive, double ratioLeft, double minutesLeft, double inactiveLeft)
    {
        var left = ShareLimits.FromNumbers(ratio, minutes, inactive).After(0.5, TimeSpan.FromMinutes(30));

        Assert.That(
            (left.Ratio.ToNumber(), left.SeedingMinutes.ToNumber(), left.InactiveMinutes.ToNumber()), Is.EqualTo((ratioLeft, minutesLeft, inactiveLeft)));
    }
}
