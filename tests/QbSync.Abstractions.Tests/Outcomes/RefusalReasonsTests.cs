using QbSync.Outcomes;

namespace QbSync.Tests.Outcomes;

public sealed class RefusalReasonsTests
{
    [Test]
    public void Errors_EveryOutcome_HasOneRetryClass([Values] RefusalReason reason)
    {
        var kind = (int)reason switch
        {
            < 20 => RefusalKind.Wait,
            < 40 => RefusalKind.Conflict,
            < 60 => RefusalKind.Step,
            _ => RefusalKind.Permanent,
        };
        Assert.That(reason.GetKind(), Is.EqualTo(kind));
    }

    [TestCase(13)]
    [TestCase(99)]
    [TestCase(-1)]
    [TestCase(int.MaxValue)]
    public void GetKind_NumberOfANewerPeer_NeverPermanent(int number) => Assert.That(((RefusalReason)number).GetKind(), Is.EqualTo(RefusalKind.Wait));

    [Test]
    public void IsSuccess_OfAcks_AcceptedAndHeldOnly() => Assert.That(
        Enum.GetValues<PieceAckStatus>().Where(status => status.IsSuccess()),
        Is.EqualTo((PieceAckStatus[])[PieceAckStatus.Accepted, PieceAckStatus.Held]));
}
