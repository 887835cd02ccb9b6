using QbSync.Engine.Source.Cleanup;

namespace QbSync.Engine.Tests.Source.Cleanup;

/// <summary>How often the files of all torrents are looked at.</summary>
[TestFixture]
internal sealed class LookPaceTests
{
    [TestCase(0.0, true, false, 30.0)]
    [TestCase(0.0, true, true, 1.0)]
    [TestCase(0.0, false, false, 300.0)]
    [TestCase(0.0, false, true, 300.0)]
    [TestCase(0.1, true, true, 2.0)]
    [TestCase(3.0, true, false, 60.0)]
    [TestCase(60.0, true, false, 300.0, Description = "a slow disk that is nearly full is looked at again all the same")]
    [TestCase(60.0, false, false, 1200.0)]
    public void PauseAfter_ALook_IsItsShareOfTheDisksTimeAndBoundedWhereSpaceIsShort(double took, bool isHurried, bool isIncomplete, double pause) =>
        Assert.That(LookPace.PauseAfter(TimeSpan.FromSeconds(took), isHurried, isIncomplete), Is.EqualTo(TimeSpan.FromSeconds(pause)));
}
