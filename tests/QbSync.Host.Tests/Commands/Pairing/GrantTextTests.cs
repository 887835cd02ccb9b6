using QbSync.Host.Commands.Pairing;
using QbSync.Ports;

namespace QbSync.Host.Tests.Commands.Pairing;

internal sealed class GrantTextTests
{
    [Test]
    public void Change_EachKey_SetsThatGrantAlone()
    {
        var grants = GrantText.Change(
            PeerGrants.Everything, ["roots=data", "categories=tv, films", "quota=2TiB", "rate=20MiB/s", "may-start=false", "may-delete=0"], out var problem);
        Assert.That(problem, Is.Empty);
        Assert.Multiple(() =>
        {
            Assert.That(grants!.Roots, Is.EqualTo(new[] { "data" }));
            Assert.That(grants.Categories, Is.EqualTo(new[] { "tv", "films" }));
            Assert.That(grants.Quota, Is.EqualTo(2L << 40));
            Assert.That(grants.Rate, Is.EqualTo(20 << 20));
            Assert.That((grants.MayStart, grants.MayDelete), Is.EqualTo((false, false)));
        });
    }

    [Test]
    public void Change_EmptyValue_TakesTheBoundAway()
    {
        var narrow = new PeerGrants { Roots = ["data"], Categories = ["tv"], Quota = 1, Rate = 1 << 20, MayStart = false, MayDelete = false };
        Assert.That(GrantText.Change(narrow, ["roots=", "categories=", "quota=", "rate=", "may-start=", "may-delete="], out _), Is.EqualTo(PeerGrants.Everything));
    }

    [Test]
    public void Describe_IsWhatChangeReads()
    {
        var narrow = new PeerGrants { Roots = ["data"], Categories = ["tv", "films"], Quota = 12_345, Rate = 70_000, MayStart = false, MayDelete = false };
        var again = GrantText.Change(PeerGrants.Everything, GrantText.Describe(narrow).Split(' '), out var problem);
        Assert.That(problem, Is.Empty);
        Assert.That(GrantText.Describe(again!), Is.EqualTo(GrantText.Describe(narrow)));
        Assert.That(GrantText.Describe(PeerGrants.Everything), Is.EqualTo("everything"));
    }

    [TestCase("quota")]
    [TestCase("quota=many")]
    [TestCase("quota=-1")]
    [TestCase("rate=0")]
    [TestCase("rate=63KiB/s")]
    [TestCase("may-start=yes")]
    [TestCase("may-fly=true")]
    public void Change_NotUnderstood_ChangesNothingAndSaysWhatMayBeGiven(string change)
    {
        Assert.That(GrantText.Change(PeerGrants.Everything, ["roots=data", change], out var problem), Is.Null);
        Assert.That(problem, Does.Contain(change).And.Contain("may-delete=true|false"));
    }

    [Test]
    public void Change_ToNothing_IsNotUnderstood() => Assert.That(GrantText.Change(PeerGrants.Everything, [], out _), Is.Null);
}
