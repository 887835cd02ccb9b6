using QbSync.Engine.Source.Cleanup;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Cleanup;

[TestFixture]
internal sealed class EvictionTests
{
    [TestCase(EvictionOrder.Density, "silent-few silent-many busy")]
    [TestCase(EvictionOrder.Popularity, "silent-few busy silent-many")]
    [TestCase(EvictionOrder.Oldest, "busy silent-many silent-few")]
    [TestCase(EvictionOrder.Largest, "silent-many busy silent-few")]
    [SourceCase(108)]
    public void Order_OfEachKind_IsItsOwn(EvictionOrder order, string expected)
    {
        CleanupGroup[] groups =
        [
            Group("busy", level: 5, bytes: 20, peers: 3, completed: 1),
            Group("silent-many", level: DensityLevels.Silent, bytes: 30, peers: 9, completed: 2),
            Group("silent-few", level: DensityLevels.Silent, bytes: 10, peers: 0, completed: 3),
        ];

        Assert.That(Names(EvictionRank.Sort(groups, order)), Is.EqualTo(expected));
    }

    [Test, SourceCase(108)]
    public void Order_Ties_AreDecidedBySeedingTimeThenBytesThenId()
    {
        CleanupGroup[] groups =
        [
            Group("d", bytes: 10, seeding: 1), Group("c", bytes: 10, seeding: 1), Group("b", bytes: 20, seeding: 1), Group("a", bytes: 10, seeding: 2),
        ];

        Assert.That(Names(EvictionRank.Sort(groups, EvictionOrder.Density)), Is.EqualTo("a b c d"));
        Assert.That(Names(EvictionRank.Sort(groups.Reverse(), EvictionOrder.Popularity)), Is.EqualTo("a b c d"));
    }

    [Test]
    public void Order_Oldest_UnknownCompletionIsTheYoungest()
    {
        var unknown = Group("a") with { Members = [new CleanupMember(default, "a", null)] };

        Assert.That(Names(EvictionRank.Sort([unknown, Group("b", completed: 9)], EvictionOrder.Oldest)), Is.EqualTo("b a"));
    }

    [Test, SourceCase(108)]
    public void Level_IsThePowerOfTwo_AndChangesBeyondAQuarter()
    {
        const double one = 1.0 / (1L << 40);
        Assert.That(DensityLevels.Next(null, 0), Is.EqualTo(-64));
        Assert.That(DensityLevels.Next(null, one), Is.Zero);
        Assert.That(DensityLevels.Next(null, one * 1.99), Is.Zero);
        Assert.That(DensityLevels.Next(null, one * 2), Is.EqualTo(1));
        Assert.That(DensityLevels.Next(null, one / 1024), Is.EqualTo(-10));

        Assert.That(DensityLevels.Next(0, one * 2.5), Is.Zero, "a quarter above its end");
        Assert.That(DensityLevels.Next(0, one * 2.51), Is.EqualTo(1));
        Assert.That(DensityLevels.Next(0, one * 0.75), Is.Zero, "a quarter below its begin");
        Assert.That(DensityLevels.Next(0, one * 0.74), Is.EqualTo(-1));
        Assert.That(DensityLevels.Next(0, 0), Is.EqualTo(-64));
        Assert.That(DensityLevels.Next(-64, one), Is.Zero);
        Assert.That(DensityLevels.Next(null, double.NaN), Is.EqualTo(-64));
        Assert.That(DensityLevels.Next(null, double.Epsilon), Is.EqualTo(-63));
    }

    [Test]
    public void Levels_OfAGroup_AreRememberedWhileItIsThere()
    {
        const double one = 1.0 / (1L << 40);
        DensityLevels levels = new();
        Assert.That(levels.Of("a", one), Is.Zero);
        Assert.That(levels.Of("a", one * 2.2), Is.Zero);
        Assert.That(levels.Of("b", one * 2.2), Is.EqualTo(1));
        levels.Keep(new HashSet<string>());
        Assert.That(levels.Of("a", one * 2.2), Is.EqualTo(1));
    }

    private static string Names(IReadOnlyList<CleanupGroup> groups) => string.Join(' ', groups.Select(static group => group.Key));

    private static CleanupGroup Group(string key, int level = 0, long bytes = 1, int peers = 0, int seeding = 0, int completed = 0) => new(
        key,
        [
            new CleanupMember(default(InfoHash), key, null)
            {
                Peers = peers, Seeding = TimeSpan.FromHours(seeding), CompletedAt = DateTimeOffset.UnixEpoch.AddDays(completed),
            },
        ],
        new Dictionary<ulong, long> { [1] = bytes },
        new HashSet<ulong> { 1 },
        level,
        "");
}
