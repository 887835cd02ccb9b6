using QbSync.Engine;
using QbSync.Host.Configuration;

namespace QbSync.Host.Tests.Configuration;

/// <summary>Options that say which torrents are synced, and in which order.</summary>
internal sealed class SourceOptionsTests
{
    private TempDirectory _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TempDirectory();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [TestCase("include-tracker", "http://tracker.example/announce")]
    [TestCase("exclude-tracker", "a b")]
    [TestCase("min-torrent-size", "-1")]
    [TestCase("max-torrent-size", "1x")]
    [TestCase("private-torrents", "no")]
    [TestCase("order", "largest")]
    [TestCase("order", "FinishFirst")]
    [TestCase("max-active", "-1")]
    [TestCase("max-active", "100001")]
    public void Value_OutOfItsBounds_IsAnErrorThatNamesIt(string name, string value)
    {
        Assert.That(Read(out var errors, (name, value)), Is.Null);
        Assert.That(errors, Has.One.StartsWith($"--{name} (from flag): "));
    }

    [Test]
    public void Sizes_ThatContradict_AreAnError()
    {
        Assert.That(Read(out var errors, ("min-torrent-size", "2GiB"), ("max-torrent-size", "1GiB")), Is.Null);
        Assert.That(errors, Has.One.StartsWith("--max-torrent-size (from flag): "));
    }

    [Test]
    public void Lists_AreKeptAsGiven()
    {
        var settings = Read(
            out var errors,
            ("exclude-category", "tv/*"),
            ("include-category", "films"),
            ("exclude-tag", "keep"),
            ("include-tag", "two words"),
            ("exclude-tracker", "*.bad.example"),
            ("include-tracker", "good.example"),
            ("min-torrent-size", "100"),
            ("max-torrent-size", "2GiB"),
            ("private-torrents", "skip"));
        Assert.That(errors, Is.Empty);
        var filter = settings!.Filter;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(filter.ExcludeCategories, Is.EqualTo(["tv/*"]));
            Assert.That(filter.IncludeCategories, Is.EqualTo(["films"]));
            Assert.That(filter.ExcludeTags, Is.EqualTo(["keep"]));
            Assert.That(filter.IncludeTags, Is.EqualTo(["two words"]));
            Assert.That(filter.ExcludeTrackers, Is.EqualTo(["*.bad.example"]));
            Assert.That(filter.IncludeTrackers, Is.EqualTo(["good.example"]));
            Assert.That((filter.MinSize, filter.MaxSize), Is.EqualTo((100L << 20, 2L << 30)), "plain numbers are MiB");
            Assert.That(filter.PrivateTorrents, Is.EqualTo(PrivateTorrents.Skip));
        }
    }

    [TestCase("finish-first", BacklogOrder.FinishFirst)]
    [TestCase("oldest", BacklogOrder.Oldest)]
    [TestCase("newest", BacklogOrder.Newest)]
    [TestCase("smallest", BacklogOrder.Smallest)]
    [TestCase("fair", BacklogOrder.Fair)]
    public void Order_EachWord_IsItsChoice(string word, BacklogOrder order) =>
        Assert.That(Read(out _, ("order", word))!.Values.Choice<BacklogOrder>("order"), Is.EqualTo(order));

    private RoleSettings? Read(out IReadOnlyList<string> errors, params (string Name, string Value)[] flags)
    {
        var all = flags.ToDictionary(static flag => flag.Name, static flag => (IReadOnlyList<string>)[flag.Value]);
        all.Add("data", [_folder.Path]);
        all.Add("client", ["folder"]);
        all.Add("destination-addr", ["127.0.0.1:50051"]);
        all.Add("security", ["insecure"]);
        return RoleSettings.Read(Roles.Source, all, new Dictionary<string, string> { ["HOME"] = _folder.Path }, out errors);
    }
}
