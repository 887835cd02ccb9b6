using QbSync.Engine.Source.Drain;
using QbSync.Engine.Source.Handoff;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source;

/// <summary>The arithmetic of a drain.</summary>
[TestFixture]
internal sealed class SourceDrainTimeTests
{
    private static readonly TimeSpan Began = TimeSpan.FromHours(1);

    [Test]
    public void Drain_SendsForHalfItsTimeAndBeginsUntilHalfAMinuteIsLeft()
    {
        var drain = new SourceDrain(Began, TimeSpan.FromMinutes(5));
        Assert.That(drain.Sends(After(149)), Is.True);
        Assert.That(drain.Sends(After(150)), Is.False);
        Assert.That(drain.MayBegin(After(270)), Is.True);
        Assert.That(drain.MayBegin(After(271)), Is.False);
        Assert.That(drain.IsOver(After(299)), Is.False);
        Assert.That(drain.IsOver(After(300)), Is.True);
    }

    [Test]
    public void Drain_WhoseGroupsTakeLong_BeginsNoneThatWouldNotEnd()
    {
        var drain = new SourceDrain(Began, TimeSpan.FromMinutes(5));
        foreach (var seconds in (int[])[10, 40, 50])
        {
            var group = Group(seconds);
            drain.Began(group, Began);
            drain.Ended(group, new HandoffEnd(HandoffResult.HandedOff), After(seconds));
        }

        Assert.That(drain.HandedOff, Is.EqualTo(3));
        Assert.That(drain.MayBegin(After(220)), Is.True, "twice the median of 40 s is left");
        Assert.That(drain.MayBegin(After(221)), Is.False);
    }

    [Test]
    public void Drain_HasThirtyTwoGroupsAtOnce()
    {
        var drain = new SourceDrain(Began, TimeSpan.FromMinutes(5));
        for (var i = 0; i < SourceDrain.GroupsAtOnce; i++)
        {
            Assert.That(drain.MayBegin(Began), Is.True);
            drain.Began(Group(i), Began);
        }

        Assert.That(drain.MayBegin(Began), Is.False);
        Assert.That(drain.HasTime(Began), Is.True);
    }

    [Test]
    public void Group_ThatTurnedBack_IsLeftAlone_OneThatWasRefusedIsTriedThrice()
    {
        var drain = new SourceDrain(Began, TimeSpan.FromMinutes(5));
        var turned = Group(1);
        drain.Began(turned, Began);
        drain.Ended(turned, new HandoffEnd(HandoffResult.RolledBack, "a tracker refuses it"), Began);
        Assert.That(drain.MayTry(turned.Members[0]), Is.False);

        var refused = Group(2);
        for (var i = 0; i < 3; i++)
        {
            var now = After(i * 10);
            Assert.That(drain.MayTryNow(refused.Members[0], now), Is.True);
            drain.Began(refused, now);
            drain.Ended(refused, new HandoffEnd(HandoffResult.Refused, "the destination is busy"), now);
            Assert.That(drain.MayTryNow(refused.Members[0], now), Is.False);
        }

        Assert.That(drain.MayTry(refused.Members[0]), Is.False);
        Assert.That(drain.HandedOff, Is.Zero);
    }

    private static TimeSpan After(int seconds) => Began + TimeSpan.FromSeconds(seconds);

    private static HandoffGroup Group(int number) => new(
        [InfoHash.Parse((number + 1).ToString("x40", System.Globalization.CultureInfo.InvariantCulture))], HandoffCause.Drain, FreesBytes: 0);
}
