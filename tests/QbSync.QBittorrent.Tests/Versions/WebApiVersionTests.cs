using QbSync.QBittorrent.Versions;

namespace QbSync.QBittorrent.Tests.Versions;

internal sealed class WebApiVersionTests
{
    [Test]
    public void Versions_Compare_AsNumbers()
    {
        string[] inOrder = ["2.3", "2.5.1", "2.8.2", "2.8.19", "2.10.4", "2.11.0", "2.11.4", "2.16.2", "9.0"];
        var parsed = inOrder.Select(static text => WebApiVersion.TryParse(text, out var version) ? version : throw new FormatException(text)).ToList();
        Assert.That(parsed, Is.Ordered);
        Assert.That(parsed.Distinct().Count(), Is.EqualTo(inOrder.Length));
    }

    [TestCase("")]
    [TestCase("2")]
    [TestCase("2.")]
    [TestCase("2.8.19.1")]
    [TestCase("-2.8")]
    [TestCase("2.8 beta")]
    [TestCase("<html>")]
    [TestCase("99999999999.1")]
    public void Garbage_IsNoVersion(string text) => Assert.That(WebApiVersion.TryParse(text, out _), Is.False);

    [TestCase("2.5.1", false, false, false, false, false)]
    [TestCase("2.8.1", true, true, false, false, false)]
    [TestCase("2.8.4", true, true, true, false, false)]
    [TestCase("2.8.19", true, true, true, true, false)]
    [TestCase("2.11.4", true, true, true, true, true)]
    public void Profile_OfEachRelease_HasItsCapabilities(string text, bool tags, bool renames, bool hashes, bool exports, bool stop)
    {
        WebApiVersion.TryParse(text, out var version);
        var profile = new WebApiProfile(version);
        Assert.That((profile.TagsInAdd, profile.RenamesByPath, profile.TellsBothHashes, profile.Exports, profile.SaysStop), Is.EqualTo((tags, renames, hashes, exports, stop)));
    }
}
