using QbSync.Engine.Source.Planning;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Planning;

[TestFixture]
internal sealed class SyncFilterTests
{
    private static readonly TorrentTraits PublicOf = new(IsPrivate: false, ["tracker.example", "second.tracker.example"]);

    [TestCase("tv", "tv", true)]
    [TestCase("tv", "TV", false)]
    [TestCase("tv", "tvs", false)]
    [TestCase("tv/*", "tv", false)]
    [TestCase("tv/*", "tv/news", true)]
    [TestCase("tv/*", "tv/news/late", true)]
    [TestCase("tv/*", "tvs/news", false)]
    [TestCase("/*", "/a", true)]
    [SourceCase(20)]
    public void Category_ByNameOrBelowOne_IsExactOtherwise(string pattern, string category, bool matches)
    {
        var status = Status(category: category);
        Assert.That(Judge(new() { ExcludeCategories = [pattern] }, status).IsRefused, Is.EqualTo(matches), "excluded");
        Assert.That(Judge(new() { IncludeCategories = [pattern] }, status).IsRefused, Is.Not.EqualTo(matches), "included");
    }

    [TestCase("keep", true)]
    [TestCase("kee", false)]
    [TestCase("keeper", false)]
    [TestCase("Keep", false)]
    [TestCase("two words", true)]
    [SourceCase(19)]
    [SourceCase(20)]
    public void Tag_IsExactAndCaseSensitive(string tag, bool matches)
    {
        var status = Status(tags: ["keep", "two words"]);
        Assert.That(Judge(new() { ExcludeTags = [tag] }, status).IsRefused, Is.EqualTo(matches), "excluded");
        Assert.That(Judge(new() { IncludeTags = ["other", tag] }, status).IsRefused, Is.Not.EqualTo(matches), "included");
    }

    [TestCase("tracker.example", true)]
    [TestCase("TRACKER.example", true)]
    [TestCase("example", false)]
    [TestCase("*.example", true)]
    [TestCase("*.tracker.example", true)]
    [TestCase("*.second.tracker.example", false)]
    [TestCase("other.example", false)]
    [SourceCase(20)]
    public void Tracker_OfAnyTier_ByHostOrBelowOne(string pattern, bool matches)
    {
        Assert.That(Judge(new() { ExcludeTrackers = [pattern] }, Status(), PublicOf).IsRefused, Is.EqualTo(matches), "excluded");
        Assert.That(Judge(new() { IncludeTrackers = [pattern] }, Status(), PublicOf).IsRefused, Is.Not.EqualTo(matches), "included");
    }

    [TestCase(0, 0, false)]
    [TestCase(1000, 0, false)]
    [TestCase(1001, 0, true)]
    [TestCase(0, 1000, false)]
    [TestCase(0, 999, true)]
    [SourceCase(20)]
    public void Size_OutsideItsBounds_IsRefused(long least, long most, bool refused) =>
        Assert.That(Judge(new() { MinSize = least, MaxSize = most }, Status()).IsRefused, Is.EqualTo(refused));

    [Test]
    [SourceCase(20)]
    public void Private_IsSkippedOnlyWhereAsked()
    {
        var isPrivate = PublicOf with { IsPrivate = true };
        Assert.That(Judge(new(), Status(), isPrivate).IsRefused, Is.False);
        Assert.That(Judge(new() { PrivateTorrents = PrivateTorrents.Skip }, Status(), isPrivate).IsRefused, Is.True);
        Assert.That(Judge(new() { PrivateTorrents = PrivateTorrents.Skip }, Status(), PublicOf).IsRefused, Is.False);
    }

    [Test]
    [SourceCase(19)]
    [SourceCase(20)]
    public void Lists_ThatAreEmpty_LetAllPass() => Assert.That(Judge(new(), Status(category: "")), Is.EqualTo(default(FilterVerdict)));

    [Test]
    public void Exclusion_BesidesAnInclusion_Wins()
    {
        var verdict = Judge(new() { IncludeCategories = ["films"], ExcludeTags = ["keep"] }, Status(tags: ["keep"]));
        Assert.That(verdict.Refusal, Does.Contain("exclude-tag"));
    }

    [Test]
    public void Refusals_OfSeveralLists_TellTheFirst()
    {
        SyncFilterOptions options = new() { ExcludeCategories = ["films"], ExcludeTags = ["keep"], IncludeCategories = ["tv"], MinSize = 5000 };
        Assert.That(Judge(options, Status(tags: ["keep"])).Refusal, Does.Contain("exclude-category"));
        Assert.That(Judge(options, Status(category: "a", tags: ["keep"])).Refusal, Does.Contain("exclude-tag"));
        Assert.That(Judge(options, Status(category: "a")).Refusal, Does.Contain("include-category"));
        Assert.That(Judge(options, Status(category: "tv")).Refusal, Does.Contain("min-torrent-size"));
    }

    [Test]
    public void Traits_AreAskedForOnlyWhenTheyDecide()
    {
        SyncFilterOptions trackers = new() { IncludeTrackers = ["tracker.example"], ExcludeCategories = ["films"] };
        Assert.That(Judge(trackers, Status()).NeedsTraits, Is.False, "refused already");
        Assert.That(Judge(trackers, Status(category: "tv")).NeedsTraits, Is.True);
        Assert.That(Judge(trackers, Status(category: "tv"), PublicOf).NeedsTraits, Is.False, "known");
        Assert.That(Judge(new() { PrivateTorrents = PrivateTorrents.Skip }, Status()).NeedsTraits, Is.True);
        Assert.That(Judge(new() { MinSize = 1 }, Status()).NeedsTraits, Is.False);
    }

    [Test]
    public void Validate_NamesEveryFaultAtOnce()
    {
        SyncFilterOptions options = new()
        {
            ExcludeCategories = [""],
            IncludeTags = ["a,b"],
            IncludeTrackers = ["http://tracker.example/announce"],
            ExcludeTrackers = ["*.tracker.example"],
            MinSize = 10,
            MaxSize = 5,
        };
        Assert.That(options.Validate(), Has.Count.EqualTo(4));
        Assert.That(options.Validate(), Has.One.StartsWith("exclude-category: ").And.One.StartsWith("include-tag: ").And.One.StartsWith("include-tracker: ")
            .And.One.StartsWith("max-torrent-size: "));
    }

    private static FilterVerdict Judge(SyncFilterOptions options, TorrentStatus status, TorrentTraits? traits = null) => new SyncFilter(options).Judge(status, traits);

    private static TorrentStatus Status(string category = "films", params string[] tags) => new()
    {
        Id = new ClientTorrentId("a"),
        Name = "a",
        State = ClientTorrentState.StalledUp,
        Category = category,
        Tags = tags.ToHashSet(),
        SelectedSize = 1000,
    };
}
