using QbSync.Engine.Source.Cleanup;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Cleanup;

[TestFixture]
internal sealed class CleanupPlannerTests
{
    private const long Limit = 1000;
    private const ulong Device = 1;

    [Test, SourceCase(102)]
    public void Plan_Short_IsTheShortestPrefixThatFreesATenthMore()
    {
        var plan = CleanupPlanner.Plan(Facts(free: 900, [.. Groups(40, 30)]));

        Assert.That(plan.Begin.Select(planned => planned.Group.Key), Is.EqualTo(Keys(7)), "7 of 30 bytes are more than the 200 that lack, 6 are not");
        Assert.That(plan.Begin[0], Is.EqualTo(new PlannedGroup(plan.Begin[0].Group, Device, 30)));
        Assert.That(plan.DeletableBytes, Is.EqualTo(1200));
    }

    [Test]
    public void Plan_MuchIsLacking_AtMostEightAtOnce()
    {
        Assert.That(CleanupPlanner.Plan(Facts(free: 0, [.. Groups(40, 30)])).Begin, Has.Count.EqualTo(8));
        Assert.That(CleanupPlanner.Plan(Facts(free: 0, [.. Groups(40, 30)]) with { Running = 6 }).Begin, Has.Count.EqualTo(2));
    }

    [Test, SourceCase(102)]
    public void Plan_WhatIsOnItsWay_Counts()
    {
        var facts = Facts(free: 900, [.. Groups(40, 30)]) with { Running = 2, Expected = new Dictionary<ulong, long> { [Device] = 180, [2] = 999 } };

        Assert.That(CleanupPlanner.Plan(facts).Begin, Has.Count.EqualTo(1));
        Assert.That(CleanupPlanner.Plan(facts with { Expected = new Dictionary<ulong, long> { [Device] = 200 } }).Begin, Is.Empty);
        Assert.That(CleanupPlanner.Plan(facts with { Expected = new Dictionary<ulong, long> { [Device] = 200 } }).Served, Is.EqualTo(new[] { Device }));
    }

    [Test, SourceCase(101)]
    public void Plan_SpaceUnknown_IsNothing()
    {
        var facts = Facts(free: 0, [.. Groups(3, 30)]);
        var plan = CleanupPlanner.Plan(facts with { FileSystems = [new SpaceState(Device, null, true, "gone")], Relieved = new HashSet<ulong> { Device } });

        Assert.That(plan.Begin, Is.Empty);
        Assert.That(plan.DeletableBytes, Is.Zero);
        Assert.That(CleanupPlanner.Plan(facts with { FileSystems = [] }).Begin, Is.Empty);
    }

    [Test]
    public void Plan_NotShort_OnlyAnEpisodeThatBeganGoesOn()
    {
        var facts = Facts(free: Limit + 10, [.. Groups(9, 30)], isShort: false);

        Assert.That(CleanupPlanner.Plan(facts).Begin, Is.Empty);
        Assert.That(CleanupPlanner.Plan(facts).DeletableBytes, Is.EqualTo(270));
        Assert.That(CleanupPlanner.Plan(facts with { Relieved = new HashSet<ulong> { Device } }).Begin, Has.Count.EqualTo(3));
    }

    [TestCase(HandoffMode.Never, Limit), TestCase(HandoffMode.Pressure, 0)]
    public void Plan_SwitchedOff_IsNothing(HandoffMode mode, long minSpace)
    {
        var plan = CleanupPlanner.Plan(Facts(free: 0, [.. Groups(3, 30)]) with { Mode = mode, MinSpace = minSpace });

        Assert.That((plan.Begin.Count, plan.DeletableBytes), Is.EqualTo((0, 0L)));
    }

    [Test, SourceCase(104)]
    public void Plan_MemberThatMayNotGo_KeepsItsGroupAndIsNamed()
    {
        var plan = CleanupPlanner.Plan(Facts(free: 900, [Group("a", 500, refusals: [null, "it is Streaming"]), Group("b", 500)]));

        Assert.That(plan.Begin.Select(planned => planned.Group.Key), Is.EqualTo(new[] { "b" }));
        Assert.That(plan.Skipped.Single().Reason, Is.EqualTo("'a1': it is Streaming"));
        Assert.That(plan.DeletableBytes, Is.EqualTo(500));
    }

    [Test, SourceCase(106)]
    public void Plan_WhatFreesNothingThere_IsPassedOver()
    {
        var elsewhere = Group("b", 500) with { Frees = new Dictionary<ulong, long> { [2] = 500 } };
        var plan = CleanupPlanner.Plan(Facts(free: 900, [Group("a", 0), elsewhere, Group("c", 500)]));

        Assert.That(plan.Begin.Select(planned => planned.Group.Key), Is.EqualTo(new[] { "c" }));
        Assert.That(plan.Skipped.Select(static skipped => skipped.Reason), Has.All.Contain("frees nothing"));
    }

    [Test, SourceCase(108)]
    public void Plan_DeviceThatCouldNotBeLookedAt_HasNoPass()
    {
        var onBoth = Group("a", 500) with { Devices = new HashSet<ulong> { Device, 2 } };
        var facts = Facts(free: 900, [onBoth]);

        Assert.That(CleanupPlanner.Plan(facts).Begin, Has.Count.EqualTo(1));
        Assert.That(CleanupPlanner.Plan(facts with { Blocked = new HashSet<ulong> { Device } }).Begin, Is.Empty);
        Assert.That(CleanupPlanner.Plan(facts with { Blocked = new HashSet<ulong> { 2 } }).Begin, Is.Empty, "the other device that it is on");
        Assert.That(CleanupPlanner.Plan(facts with { Resting = new HashSet<string> { "a" } }).Begin, Is.Empty);
    }

    [Test]
    public void Plan_TwoFileSystems_EachTakesItsOwnAndNoGroupTwice()
    {
        var both = Group("a", 150) with { Frees = new Dictionary<ulong, long> { [Device] = 150, [2] = 150 }, Devices = new HashSet<ulong> { Device, 2 } };
        var facts = Facts(free: 1000, [both, Group("b", 150)]) with
        {
            FileSystems = [new SpaceState(Device, 990, true, ""), new SpaceState(2, 990, true, "")],
        };

        Assert.That(CleanupPlanner.Plan(facts).Begin.Select(planned => planned.Group.Key), Is.EqualTo(new[] { "a" }));
    }

    [Test]
    public void Plan_Seeded_TwoAtOnceLongestFirstWithoutASpaceTest()
    {
        CleanupGroup[] groups = [Group("a", 0, hours: 2), Group("b", 5, hours: 9), Group("c", 5, hours: 5), Group("d", 5, hours: 99, refusals: ["tag"])];
        var facts = Facts(free: 1 << 20, groups, isShort: false) with { Mode = HandoffMode.Seeded, FileSystems = [] };

        Assert.That(CleanupPlanner.Plan(facts).Begin, Is.EqualTo(new[] { new PlannedGroup(groups[1], null, 5), new PlannedGroup(groups[2], null, 5) }));
        Assert.That(CleanupPlanner.Plan(facts with { Running = 1 }).Begin, Has.Count.EqualTo(1));
        Assert.That(CleanupPlanner.Plan(facts with { Running = 3 }).Begin, Is.Empty);
    }

    [Test]
    public void Group_OnlyTooYoung_IsToldFromOtherRefusals()
    {
        Assert.That(Group("a", 1).IsTooYoung, Is.False);
        Assert.That(Group("a", 1, refusals: ["young"]).IsTooYoung, Is.False);
        var young = Group("a", 1) with { Members = [new CleanupMember(default, "a", "young") { IsTooYoung = true }, new CleanupMember(default, "b", null)] };
        Assert.That(young.IsTooYoung, Is.True);
        Assert.That((young with { Doubt = "x" }).IsTooYoung, Is.False);
    }

    private static CleanupFacts Facts(long free, IReadOnlyList<CleanupGroup> groups, bool isShort = true) => new()
    {
        Mode = HandoffMode.Pressure,
        MinSpace = Limit,
        FileSystems = [new SpaceState(Device, free, isShort, "")],
        Groups = groups,
    };

    private static IEnumerable<string> Keys(int count) => Enumerable.Range(0, count).Select(static i => $"g{i:d2}");

    private static IEnumerable<CleanupGroup> Groups(int count, long bytes) => Keys(count).Select(key => Group(key, bytes));

    private static CleanupGroup Group(string key, long bytes, int hours = 1, params string?[] refusals) => new(
        key,
        [
            .. (refusals.Length == 0 ? [null] : refusals).Select(
                (refusal, i) => new CleanupMember(default, $"{key}{i}", refusal) { Seeding = TimeSpan.FromHours(hours) }),
        ],
        new Dictionary<ulong, long> { [Device] = bytes },
        new HashSet<ulong> { Device },
        DensityLevels.Silent,
        "");
}
