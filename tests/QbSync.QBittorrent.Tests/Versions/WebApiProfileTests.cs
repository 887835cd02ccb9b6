using System.Net;
using Microsoft.Extensions.Logging;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.QBittorrent.Versions;
using QbSync.Testing.Specifications;
using static QbSync.QBittorrent.Tests.Scripted.ScriptedClient;

namespace QbSync.QBittorrent.Tests.Versions;

internal sealed class WebApiProfileTests
{
    /// <summary>Every capability, in the order in which releases brought them.</summary>
    private static readonly (string Name, Func<WebApiProfile, bool> Has)[] Capabilities =
    [
        ("supported", static profile => profile.IsSupported),
        ("tags in add", static profile => profile.TagsInAdd),
        ("layout", static profile => profile.SaysLayout),
        ("rename by path", static profile => profile.RenamesByPath),
        ("file index", static profile => profile.TellsFileIndices),
        ("both hashes", static profile => profile.TellsBothHashes),
        ("export", static profile => profile.Exports && profile.KeepsUnselectedFiles),
        ("inactive limit", static profile => profile.LimitsInactivity),
        ("stop and start", static profile => profile.SaysStop),
        ("limit action", static profile => profile.LimitsHaveAction),
        ("refused trackers", static profile => profile.TellsRefusedAnnounces),
        ("login by status", static profile => profile.AnswersLoginByStatus),
        ("API key", static profile => profile.TakesApiKeys),
        ("basic", static profile => profile.TakesBasic),
        ("limit mode", static profile => profile.LimitsHaveMode),
        ("seed mode", static profile => profile.SaysSeedMode),
        ("newer", static profile => profile.IsNewerThanMeasured),
    ];

    [ClientCase(11)]
    [TestCase("2.2.1", null)]
    [TestCase("2.3.0", "supported", TestName = "4.2.0")]
    [TestCase("2.5.1", "supported", TestName = "4.2.5")]
    [TestCase("2.6.1", "supported", TestName = "before 4.3.2")]
    [TestCase("2.7.0", "layout", TestName = "4.3.2")]
    [TestCase("2.8.2", "file index", TestName = "4.3.5")]
    [TestCase("2.8.4", "both hashes", TestName = "4.4.0")]
    [TestCase("2.8.18", "export", TestName = "4.5.0")]
    [TestCase("2.8.19", "export", TestName = "4.5.2")]
    [TestCase("2.9.2", "inactive limit", TestName = "4.6.0")]
    [TestCase("2.9.3", "inactive limit", TestName = "4.6.1")]
    [TestCase("2.11.2", "stop and start", TestName = "5.0.0")]
    [TestCase("2.11.4", "stop and start", TestName = "5.1.0")]
    [TestCase("2.15.1", "basic", TestName = "5.2")]
    [TestCase("2.16.0", "seed mode", TestName = "5.3.0")]
    [TestCase("2.16.2", "seed mode", TestName = "5.3.0, measured")]
    [TestCase("9.0", "newer")]
    public void Profile_OfARelease_HasWhatCameUpToIt(string text, string? last)
    {
        Assert.That(WebApiVersion.TryParse(text, out var version), Is.True);
        var profile = new WebApiProfile(version);
        var count = last is null ? 0 : Array.FindIndex(Capabilities, capability => capability.Name == last) + 1;
        Assert.That(
            Capabilities.Where(capability => capability.Has(profile)).Select(static capability => capability.Name),
            Is.EqualTo(Capabilities.Take(count).Select(static capability => capability.Name)));
    }

    [ClientCase(11)]
    [TestCase("2.6.1", "2.6.2", "tags in add")]
    [TestCase("2.6.2", "2.7.0", "layout")]
    [TestCase("2.8.0", "2.8.1", "rename by path")]
    [TestCase("2.8.1", "2.8.2", "file index")]
    [TestCase("2.8.3", "2.8.4", "both hashes")]
    [TestCase("2.8.17", "2.8.18", "export")]
    [TestCase("2.9.1", "2.9.2", "inactive limit")]
    [TestCase("2.10.9", "2.11.0", "stop and start")]
    [TestCase("2.11.9", "2.12.0", "limit action")]
    [TestCase("2.12.9", "2.13.0", "refused trackers")]
    [TestCase("2.13.9", "2.14.0", "login by status")]
    [TestCase("2.14.0", "2.14.1", "API key")]
    [TestCase("2.14.9", "2.15.0", "basic")]
    [TestCase("2.15.2", "2.15.3", "limit mode")]
    [TestCase("2.15.9", "2.16.0", "seed mode")]
    [TestCase("2.16.2", "2.16.3", "newer")]
    public void Capability_BeginsAtItsVersion(string before, string from, string name)
    {
        var has = Capabilities.Single(capability => capability.Name == name).Has;
        Assert.That(has(Of(before)), Is.False);
        Assert.That(has(Of(from)), Is.True);
    }

    [Test, ClientCase(11)]
    public async Task AVersion_ThatIsGarbage_IsNoWebApi()
    {
        await using var client = new ScriptedClient("<html>login</html>");
        Assert.That(client.Fault(() => client.Client.DescribeAsync(false, default).AsTask()).Fault, Is.EqualTo(ClientFault.NotAWebApi));
    }

    [Test, ClientCase(11)]
    public async Task AVersion_BelowTheFloor_IsUnsupported_NamingBoth()
    {
        await using var client = new ScriptedClient("2.2.1");
        var fault = client.Fault(() => client.Api.GetTrackersAsync(Id, default));
        Assert.That(fault.Fault, Is.EqualTo(ClientFault.Unsupported));
        Assert.That(fault.Message, Does.Contain("2.2.1").And.Contain("2.3.0").And.Contain("4.2.0"));
        Assert.That(client.Server.Calls, Is.Empty);
    }

    [Test, ClientCase(11)]
    public async Task AVersion_NewerThanMeasured_IsWarnedOfOnce_AndUsed()
    {
        await using var client = new ScriptedClient("9.0");
        client.Server.Always("torrents/stop", HttpStatusCode.OK);
        await client.Api.StopAsync([Id], default);
        await client.Client.DescribeAsync(refresh: true, default);
        Assert.That(Warnings(client), Is.EqualTo(1));
    }

    [ClientCase(11)]
    [TestCase("2.11.4", "torrents/stop", "torrents/pause")]
    [TestCase("2.8.19", "torrents/pause", "torrents/stop")]
    public async Task A404_WithoutAHash_ClearsTheCapability_UntilTheNextLogin(string version, string expected, string other)
    {
        await using var client = new ScriptedClient(version);
        client.Server.Answer(expected, HttpStatusCode.NotFound).Always(other, HttpStatusCode.OK);
        await client.Api.StopAsync([Id], default);
        await client.Api.StopAsync([Id], default);
        Assert.That(client.Server.Calls.Select(static call => call.Path), Is.EqualTo(new[] { expected, other, other }));
        Assert.That(Warnings(client), Is.EqualTo(1));

        client.Server.Answer(expected, HttpStatusCode.OK);
        await client.Client.DescribeAsync(refresh: true, default);
        await client.Api.StopAsync([Id], default);
        Assert.That(client.Server.Calls[^1].Path, Is.EqualTo(expected));
    }

    [Test, ClientCase(11)]
    public async Task A404_OfBothNames_ClearsNothing()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("torrents/stop", HttpStatusCode.NotFound).Answer("torrents/pause", HttpStatusCode.NotFound).Answer("torrents/stop", HttpStatusCode.OK);
        Assert.That(client.Fault(() => client.Api.StopAsync([Id], default)).Fault, Is.EqualTo(ClientFault.Unsupported));
        await client.Api.StopAsync([Id], default);
        Assert.That(client.Server.Calls[^1].Path, Is.EqualTo("torrents/stop"));
        Assert.That(Warnings(client), Is.Zero);
    }

    [Test, ClientCase(11)]
    public async Task A404_WithAHash_IsTheTorrents_AndClearsNothing()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("torrents/export", HttpStatusCode.NotFound).Answer("torrents/export", "d4:infoe");
        Assert.That(client.Fault(() => client.Client.GetManifestAsync(Id, default).AsTask()).Fault, Is.EqualTo(ClientFault.NotFound));
        Assert.That(await client.Client.GetManifestAsync(Id, default), Is.EqualTo("d4:infoe"u8.ToArray()));
        Assert.That(Warnings(client), Is.Zero);
    }

    private static WebApiProfile Of(string text) => new(WebApiVersion.TryParse(text, out var version) ? version : throw new FormatException(text));

    private static int Warnings(ScriptedClient client) => client.Log.Entries.Count(static entry => entry.Level == LogLevel.Warning);
}
