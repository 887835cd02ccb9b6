using QbSync.Engine.Destination;
using QbSync.Engine.Shared;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Shared;

/// <summary>An absence is told once when it has lasted, and its end only if it was told.</summary>
internal sealed class AbsenceTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

    [Test]
    public void See_AwayForTenMinutes_IsToldOnceAndSoIsTheReturn()
    {
        var absence = new Absence();
        Assert.Multiple(() =>
        {
            Assert.That(absence.See(true, TimeSpan.Zero), Is.Null);
            Assert.That(absence.See(false, TimeSpan.FromMinutes(1)), Is.Null);
            Assert.That(absence.See(false, TimeSpan.FromMinutes(11) - Tick), Is.Null);
            Assert.That(absence.See(false, TimeSpan.FromMinutes(11)), Is.True);
            Assert.That(absence.See(false, TimeSpan.FromMinutes(60)), Is.Null);
            Assert.That(absence.See(true, TimeSpan.FromMinutes(61)), Is.False);
            Assert.That(absence.See(true, TimeSpan.FromMinutes(62)), Is.Null);
        });
    }

    [Test]
    public void See_BackBeforeTenMinutes_IsNotToldAndBeginsAnew()
    {
        var absence = new Absence();
        Assert.Multiple(() =>
        {
            Assert.That(absence.See(false, TimeSpan.Zero), Is.Null);
            Assert.That(absence.See(true, TimeSpan.FromMinutes(9)), Is.Null);
            Assert.That(absence.See(false, TimeSpan.FromMinutes(10)), Is.Null);
            Assert.That(absence.See(false, TimeSpan.FromMinutes(19)), Is.Null);
            Assert.That(absence.See(false, TimeSpan.FromMinutes(20)), Is.True);
        });
    }

    [Test]
    public void Presence_OfASourceThatListensTwice_EndsWithTheSecond()
    {
        var presence = new SourcePresence();
        var source = new Caller(new Guid("00000000-0000-0000-0000-000000000001"), "box");
        var first = presence.Join(source);
        var second = presence.Join(source);
        first.Dispose();
        first.Dispose();
        Assert.That(presence.See(TimeSpan.FromHours(1)), Is.Empty);
        Assert.That(presence.See(TimeSpan.FromHours(2)), Is.Empty);
        second.Dispose();
        Assert.That(presence.See(TimeSpan.FromHours(3)), Is.Empty);
        Assert.That(presence.See(TimeSpan.FromHours(4)), Is.EqualTo(new[] { ("box", true) }));
        using var back = presence.Join(source);
        Assert.That(presence.See(TimeSpan.FromHours(5)), Is.EqualTo(new[] { ("box", false) }));
    }
}
