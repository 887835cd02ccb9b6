using QbSync.Engine.Source.Cleanup;
using QbSync.Ports;
using QbSync.Testing.Specifications;

namespace QbSync.Engine.Tests.Source.Cleanup;

[TestFixture]
internal sealed class HardlinkGroupsTests
{
    [Test]
    public void Groups_UnrelatedOnes_AreAlone()
    {
        var groups = HardlinkGroups.Build([Indexed.Torrent("b", Indexed.File("/d/b", 2)), Indexed.Torrent("a", Indexed.File("/d/a", 1)), Indexed.Torrent("c")]);

        Assert.That(Names(groups), Is.EqualTo(new[] { "a", "b", "c" }));
        Assert.That(Frees(groups[0]), Is.EqualTo(100));
    }

    [Test]
    public void Groups_SharedPathOrInode_AreOneThroughOthers()
    {
        var groups = HardlinkGroups.Build(
        [
            Indexed.Torrent("a", Indexed.File("/d/x", 1), Indexed.File("/d/a", 2, links: 2)),
            Indexed.Torrent("b", Indexed.File("/d/x", 1)),
            Indexed.Torrent("c", Indexed.File("/d/c", 2, links: 2)),
            Indexed.Torrent("d", Indexed.File("/d/d", 2, device: 2)),
        ]);

        Assert.That(Names(groups), Is.EqualTo(new[] { "a b c", "d" }), "the same inode number on another device is another file");
        Assert.That(groups[0].PathParts.Select(part => string.Join(' ', part.Select(torrent => torrent.Id.Value))), Is.EqualTo(new[] { "a b", "c" }));
        Assert.That(Frees(groups[0]), Is.EqualTo(200), "one path that two have counts once, and two names of an inode are all its names");
    }

    [Test, SourceCase(106)]
    public void Frees_NameThatNoTorrentHas_FreesNothing()
    {
        var groups = HardlinkGroups.Build([Indexed.Torrent("a", Indexed.File("/d/a", 1, links: 2), Indexed.File("/d/b", 2))]);

        Assert.That(Frees(groups[0]), Is.EqualTo(100));
    }

    [Test]
    public void Frees_SeveralDevices_AreToldApart()
    {
        var frees = LinkedGroup.FreesOf([Indexed.Torrent("a", Indexed.File("/d/a", 1), Indexed.File("/e/a", 1, bytes: 7, device: 2), Indexed.Absent("/d/b"))]);

        Assert.That(frees, Is.EquivalentTo(new Dictionary<ulong, long> { [1] = 100, [2] = 7 }));
    }

    [Test, SourceCase(107)]
    public void FindShared_PathOfOneOutside_NamesTheMemberOnly()
    {
        IndexedTorrent[] all =
        [
            Indexed.Torrent("a", Indexed.File("/d/x", 1)), Indexed.Torrent("b", Indexed.File("/d/b", 2, links: 2)),
            Indexed.Torrent("new", Indexed.Absent("/d/x"), Indexed.File("/d/other", 2, links: 2)),
        ];

        var (sharing, doubt) = HardlinkGroups.FindShared(all, new HashSet<ClientTorrentId> { new("a"), new("b") });

        Assert.That(sharing, Is.EqualTo(new[] { new ClientTorrentId("a") }), "a path is shared before its file is there; an inode is not a path");
        Assert.That(doubt, Is.Empty);
    }

    [Test]
    public void FindShared_AllOwnersInTheGroup_IsNone()
    {
        IndexedTorrent[] all = [Indexed.Torrent("a", Indexed.File("/d/x", 1), Indexed.File("/d/a", 2)), Indexed.Torrent("b", Indexed.File("/d/x", 1))];

        Assert.That(HardlinkGroups.FindShared(all, new HashSet<ClientTorrentId> { new("a"), new("b") }).Sharing, Is.Empty);
    }

    [TestCase("x", "/d/a/x", true)]
    [TestCase("a/x", "/d/a/x", true)]
    [TestCase("b/x", "/d/a/x", false)]
    [TestCase("a/x", "/d/a/x.!qB", true)]
    public void Doubt_FileThatCannotBeFound_IsAboutTheSameEndAndLength(string lost, string seen, bool doubted)
    {
        var member = Indexed.Torrent("a", Indexed.File(seen, 1));
        var other = Indexed.Lost("other", new UnplacedFile(lost, 100));

        Assert.That(HardlinkGroups.Build([member, other])[0].Doubt, doubted ? Does.Contain("other") : Is.Empty);
        Assert.That(HardlinkGroups.FindShared([member, other], new HashSet<ClientTorrentId> { member.Id }).Doubt, doubted ? Is.Not.Empty : Is.Empty);
        Assert.That(HardlinkGroups.Build([member, Indexed.Lost("other", new UnplacedFile(lost, 99))])[0].Doubt, Is.Empty, "another length is another file");
    }

    [Test]
    public void Doubt_MemberWhoseFileCannotBeFound_KeepsIt() =>
        Assert.That(HardlinkGroups.Build([Indexed.Lost("a", new UnplacedFile("x", 100))])[0].Doubt, Does.Contain("cannot be found"));

    private static string[] Names(IReadOnlyList<LinkedGroup> groups) =>
        [.. groups.Select(group => string.Join(' ', group.Members.Select(member => member.Id.Value)))];

    private static long Frees(LinkedGroup group) => LinkedGroup.FreesOf(group.Members).Values.Sum();
}
