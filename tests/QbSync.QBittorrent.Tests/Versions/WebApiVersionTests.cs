using QbSync.QBittorrent.Versions;
using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Versions;

internal sealed class WebApiVersionTests
{
    [Test, ClientCase(11)]
    public void Versions_Compare_AsNumbers()
    {
        string[] inOrder = ["2.3", "2.5.1", "2.8.2", "2.8.19", "2.10.4", "2.11.0", "2.11.4", "2.16.2", "9.0"];
        var parsed = inOrder.Select(static text => WebApiVersion.TryParse(text, out var version) ? version : throw new FormatException(text)).ToList();
        Assert.That(parsed, Is.Ordered);
        Assert.That(parsed.Distinct().Count(), Is.EqualTo(inOrder.Length));
    }

    [ClientCase(11)]
    [TestCase("")]
    [TestCase("2")]
    [TestCase("2.")]
    [TestCase("2.8.19.1")]
    [TestCase("-2.8")]
    [TestCase("2.8 beta")]
    [TestCase("<html>")]
    [TestCase("99999999999.1")]
    public void Garbage_IsNoVersion(string text) => Assert.That(WebApiVersion.TryParse(text, out _), Is.False);
}
