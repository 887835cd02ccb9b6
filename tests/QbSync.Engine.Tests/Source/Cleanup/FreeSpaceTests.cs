using QbSync.Engine.Source.Cleanup;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Cleanup;

[TestFixture, FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class FreeSpaceTests
{
    private const long Limit = 1000;
    private const ulong Device = 7;
    private readonly FreeSpace _space = new(Limit);
    private TimeSpan _now = TimeSpan.FromHours(1);

    [Test, SourceCase(101)]
    public void Space_BelowTheLimit_IsShortAfterThreeSamplesAndAMinute()
    {
        Sample(Local(0));
        Sample(Local(0));
        Sample(Local(0));
        Assert.That(State, Is.EqualTo(new SpaceState(Device, 0, false, "")), "half a minute");
        Sample(Local(0));
        Sample(Local(0));
        Assert.That(State.IsShort, Is.True, "none of a file system with a size is a real figure");

        Sample(Local(Limit));
        Assert.That(State.IsShort, Is.False);
        Sample(Local(Limit - 1));
        Assert.That(State.IsShort, Is.False, "it begins anew");
    }

    [Test]
    public void Space_TwoSamplesFarApart_AreNotShort()
    {
        Sample(Local(1));
        Sample(Local(1), TimeSpan.FromSeconds(60));
        Assert.That(State.IsShort, Is.False);
        Sample(Local(1), TimeSpan.FromHours(1));
        Sample(Local(1), TimeSpan.FromSeconds(30));
        Assert.That(State.IsShort, Is.False, "what lies before a gap does not count");
    }

    [TestCase(0), TestCase(-1), TestCase(null)]
    [SourceCase(101)]
    public void Space_NeitherTells_IsUnknownAndNotShort(long? told)
    {
        for (var i = 0; i < 10; i++)
        {
            Sample(new LocalFileSystem(Device, null, 0), told);
        }

        Assert.That((State.FreeBytes, State.IsShort), Is.EqualTo(((long?)null, false)));
        Assert.That(State.Problem, Is.Not.Empty);
    }

    [Test]
    public void Space_ClientOnly_CountsForTheDefaultFolderOnly()
    {
        Sample(new LocalFileSystem(Device, null, 0), 500);
        Assert.That(State.FreeBytes, Is.EqualTo(500));

        _space.Add(new SpaceSample(new Dictionary<string, LocalFileSystem?> { ["/d"] = new LocalFileSystem(Device, null, 0) }, "/other", new(500, _now)), _now);
        Assert.That(State.FreeBytes, Is.Null);
    }

    [Test, SourceCase(101)]
    public void Space_ClientAskedLongAgo_IsUnknown()
    {
        _space.Add(new SpaceSample(Roots(new LocalFileSystem(Device, null, 0)), "/d", new(500, _now - TimeSpan.FromSeconds(61))), _now);
        Assert.That(State.FreeBytes, Is.Null);
    }

    [TestCase(1000, 1050, 1000), TestCase(1000, 1200, 1200), TestCase(1200, 1000, 1200), TestCase(0, 5000, 5000), TestCase(5000, 0, 5000)]
    public void Space_TwoFiguresFarApart_TheLargerCounts(long local, long told, long expected)
    {
        Sample(Local(local), told);
        Assert.That(State.FreeBytes, Is.EqualTo(expected));
    }

    [Test, SourceCase(101)]
    public void Space_NoSampleForAMinute_IsUnknown()
    {
        for (var i = 0; i < 6; i++)
        {
            Sample(Local(1));
        }

        Assert.That(State.IsShort, Is.True);
        _now += TimeSpan.FromSeconds(61);
        Assert.That((State.FreeBytes, State.IsShort), Is.EqualTo(((long?)null, false)));
        Assert.That(_space.FreeOf("/d", _now), Is.Null);
    }

    [TestCase(true), TestCase(false)]
    [SourceCase(101)]
    public void Space_MountGone_IsUnknownUntilItIsBack(bool isFolderThere)
    {
        for (var i = 0; i < 6; i++)
        {
            Sample(Local(1));
        }

        _space.Add(new SpaceSample(Roots(isFolderThere ? new LocalFileSystem(8, 1, 1 << 20) : null), "/d", new(1, _now)), _now);
        Assert.That(_space.GetStates(_now), Has.Count.EqualTo(1), "the device below is none of ours");
        Assert.That((State.FreeBytes, State.IsShort), Is.EqualTo(((long?)null, false)));
        Assert.That(State.Problem, Does.Contain("mount"));
        Assert.That(_space.DeviceOfPath("/d/file"), Is.Null);

        Sample(Local(1));
        Assert.That((State.FreeBytes, State.IsShort), Is.EqualTo(((long?)1, false)), "and is to be short anew");
    }

    [Test]
    public void Space_RootsOfOneDevice_AreOneFileSystem()
    {
        Dictionary<string, LocalFileSystem?> roots = new() { ["/d"] = Local(5), ["/d/more"] = Local(5), ["/e"] = new LocalFileSystem(9, 6, 100), ["/f"] = null };
        _space.Add(new SpaceSample(roots, null, null), _now);

        Assert.That(_space.GetStates(_now).Select(static state => (state.Device, state.FreeBytes)), Is.EquivalentTo(new[] { (Device, 5L), (9UL, 6L) }));
        Assert.That(_space.DeviceOfPath("/d/more/file"), Is.EqualTo(Device));
        Assert.That(_space.DeviceOfPath("/dark/file"), Is.Null);
        Assert.That(_space.GetRoots(_now)["/f"], Is.Null);
    }

    [Test]
    public void Space_OneOfTwoMountsOfADeviceGone_IsUnknown()
    {
        Dictionary<string, LocalFileSystem?> roots = new() { ["/d"] = Local(5), ["/e"] = Local(5) };
        _space.Add(new SpaceSample(roots, null, null), _now);
        roots["/e"] = new LocalFileSystem(1, 5, 100);
        _space.Add(new SpaceSample(roots, null, null), _now);

        Assert.That(State.FreeBytes, Is.Null);
    }

    private SpaceState State => _space.GetStates(_now).Single(static state => state.Device == Device);

    private static LocalFileSystem Local(long free) => new(Device, free, 1 << 20);

    private static Dictionary<string, LocalFileSystem?> Roots(LocalFileSystem? root) => new() { ["/d"] = root };

    private void Sample(LocalFileSystem local, long? client = null) => Sample(local, TimeSpan.FromSeconds(15), client);

    private void Sample(LocalFileSystem local, TimeSpan after, long? client = null)
    {
        _now += after;
        _space.Add(new SpaceSample(Roots(local), "/d", client is { } told ? new(told, _now) : null), _now);
    }
}
