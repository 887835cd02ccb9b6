using System.Net;
using QbSync.Host.Notifications;
using QbSync.Testing.Specifications;

namespace QbSync.Host.Tests.Notifications;

/// <summary>What follows a try.</summary>
internal sealed class RetryRuleTests
{
    [TestCase(200)]
    [TestCase(204)]
    [HostCase(42)]
    public void Decide_Taken_IsDone(int status) => Assert.That(RetryRule.Decide(Answer(status), 1, 0.5), Is.EqualTo(new NextStep.Done()));

    [TestCase(302)]
    [TestCase(400)]
    [TestCase(401)]
    [TestCase(404)]
    [HostCase(42)]
    public void Decide_RefusedOrElsewhere_IsNeverTriedAgain(int status) =>
        Assert.That(RetryRule.Decide(Answer(status), 1, 0.5), Is.EqualTo(new NextStep.GiveUp(IsRefused: true)));

    [TestCase(null)]
    [TestCase(408)]
    [TestCase(429)]
    [TestCase(500)]
    [TestCase(503)]
    [HostCase(42)]
    public void Decide_AwayOrBusy_IsTriedFiveTimesWithGrowingJitter(int? status)
    {
        var waits = Enumerable.Range(1, 4).Select(tries => RetryRule.Decide(Answer(status), tries, 1)).OfType<NextStep.Again>().Select(static again => again.After.TotalSeconds);
        Assert.That(waits, Is.EqualTo(new[] { 1.0, 3, 9, 27 }));
        Assert.That(RetryRule.Decide(Answer(status), 4, 0), Is.EqualTo(new NextStep.Again(TimeSpan.Zero)), "full jitter");
        Assert.That(RetryRule.Decide(Answer(status), 5, 1), Is.EqualTo(new NextStep.GiveUp(IsRefused: false)));
    }

    [TestCase(120, 120)]
    [TestCase(0.5, 1)]
    [TestCase(86400, 3600)]
    [HostCase(42)]
    public void Decide_ReceiverSaysWhen_IsThenButNeverLaterThanInAnHour(double asked, double waited) => Assert.That(
        RetryRule.Decide(new TryOutcome(HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(asked), ""), 1, 1), Is.EqualTo(new NextStep.Again(TimeSpan.FromSeconds(waited))));

    [TestCase("120", 120.0)]
    [TestCase("0.65", 0.65)]
    [TestCase("99999999999999999999", 3600.0)]
    [TestCase("Fri, 02 Jan 2026 03:05:05 GMT", 60.0)]
    [TestCase("Fri, 02 Jan 2026 03:00:00 GMT", 0.0)]
    [TestCase("-5", null)]
    [TestCase("NaN", null)]
    [TestCase("soon", null)]
    [TestCase(null, null)]
    public void ReadRetryAfter_OfAnyHeader_IsATimeOrNothing(string? header, double? seconds) => Assert.That(
        RetryRule.ReadRetryAfter(header, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero))?.TotalSeconds, Is.EqualTo(seconds));

    private static TryOutcome Answer(int? status) => new((HttpStatusCode?)status, null, "");
}
