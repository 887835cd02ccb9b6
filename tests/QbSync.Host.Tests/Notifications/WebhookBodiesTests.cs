using System.Text;
using System.Text.Json;
using QbSync.Engine.Status;
using QbSync.Host.Notifications;
using QbSync.Host.Notifications.Presets;
using QbSync.Testing.Specifications;
using QbSync.Torrents;

namespace QbSync.Host.Tests.Notifications;

/// <summary>What is sent, byte for byte.</summary>
internal sealed class WebhookBodiesTests
{
    private const string Base = "https://host.test/base";

    [Test]
    [HostCase(43)]
    public void Generic_OfATorrent_IsTheWholeDocument() => Assert.That(
        Body(Preset.Generic, Base, Told.Of(EngineEventKind.TorrentFailed, reason: "three strikes")),
        Is.EqualTo(
            """{"id":"00112233445566778899aabbccddeeff","event":"torrent.failed","at":"2026-01-02T03:04:05.000Z","version":"1.2.3","mode":"destination","name":"nas","""
            + """ "torrent":{"hash":"0123456789abcdef0123456789abcdef01234567","name":"film","bytes":1610612736,"category":"tv/hd","tags":["a","b"],"path":"/data/tv/film"},""".TrimStart()
            + """ "reason":"three strikes","text":"film failed: three strikes."}""".TrimStart()));

    [Test]
    [HostCase(43)]
    public void Generic_OfNoTorrent_HasNone() => Assert.That(
        Body(Preset.Generic, Base, Told.Of(EngineEventKind.DrainStarted)),
        Is.EqualTo(
            """{"id":"00112233445566778899aabbccddeeff","event":"drain.started","at":"2026-01-02T03:04:05.000Z","version":"1.2.3","mode":"destination","name":"nas","reason":"","text":"The drain began."}"""));

    [Test]
    [HostCase(43)]
    public void Generic_OfAHostileName_HasItWholeInTheNameAndHarmlessInTheText()
    {
        using var document = JsonDocument.Parse(Body(Preset.Generic, Base, Told.Of(EngineEventKind.TorrentSynced, Told.HostileName)));
        Assert.That(document.RootElement.GetProperty("torrent").GetProperty("name").GetString(), Is.EqualTo(Told.HostileName.Replace('\ud800', '\ufffd')));
        Assert.That(
            document.RootElement.GetProperty("text").GetString(),
            Is.EqualTo("\\u202efilm\\u000a\"<img onerror=x>\" **b** @everyone <@1> [a](http://x) \ufffd (1.5 GiB) is synced."));
    }

    [Test]
    [HostCase(43)]
    public void Ntfy_OfAnEvent_GoesToTheRootWithTheTopicAndTheToken()
    {
        var request = Make(Preset.Ntfy, "https://host.test/my%20topic", Told.Of(EngineEventKind.TorrentFailed, "a\nb"), key: "tk_1");
        Assert.That(request.Url.AbsoluteUri, Is.EqualTo("https://host.test/"));
        Assert.That(request.Headers, Is.EqualTo(new[] { KeyValuePair.Create("Authorization", "Bearer tk_1") }));
        Assert.That(
            Encoding.UTF8.GetString(request.Body),
            Is.EqualTo("""{"topic":"my topic","title":"QbSync destination nas","message":"a\\u000ab failed.","priority":4,"tags":["torrent.failed"]}"""));
        Assert.That(Make(Preset.Ntfy, "http://host.test:81/below/topic", Told.Of(EngineEventKind.SpaceOk)).Url.AbsoluteUri, Is.EqualTo("http://host.test:81/below/"));
    }

    [Test]
    [HostCase(43)]
    public void Discord_OfAHostileName_MentionsNobodyAndFormatsNothing()
    {
        using var document = JsonDocument.Parse(Body(Preset.Discord, Base, Told.Of(EngineEventKind.TorrentSynced, Told.HostileName)));
        var content = document.RootElement.GetProperty("content").GetString()!;
        Assert.That(
            content,
            Is.EqualTo(
                @"nas \(destination\)\: \\u202efilm\\u000a""\<img onerror=x\>"" \*\*b\*\* \@everyone \<\@1\> \[a\]\(http\:\/\/x\) " + "\ufffd" + @" \(1.5 GiB\) is synced."));
        Assert.That(document.RootElement.GetProperty("allowed_mentions").GetRawText(), Is.EqualTo("""{"parse":[]}"""));
        Assert.That(document.RootElement.GetProperty("flags").GetInt32(), Is.EqualTo(4), "no preview");
    }

    [TestCase("*")]
    [TestCase("x")]
    [TestCase("\U0001f600")]
    [HostCase(43)]
    public void Discord_OfALongName_HasAtMost2000CharactersAndEndsWithAWholeOne(string letter)
    {
        using var document = JsonDocument.Parse(Body(Preset.Discord, Base, Told.Of(EngineEventKind.TorrentSynced, string.Concat(Enumerable.Repeat(letter, 3000)))));
        var content = document.RootElement.GetProperty("content").GetString()!;
        Assert.That(content.Length, Is.InRange(1997, Discord.LongestMessage));
        Assert.That(content, Does.EndWith((letter == "*" ? "\\*" : letter) + "…"));
    }

    [TestCase(EngineEventKind.TorrentSynced, "success")]
    [TestCase(EngineEventKind.CheckBad, "failure")]
    [TestCase(EngineEventKind.PeerLost, "warning")]
    [TestCase(EngineEventKind.DrainEnded, "info")]
    [HostCase(43)]
    public void Apprise_OfAnEvent_SaysHowMuchOneHasToCare(EngineEventKind kind, string type)
    {
        using var document = JsonDocument.Parse(Body(Preset.Apprise, Base, Told.Of(kind)));
        Assert.That(document.RootElement.GetProperty("type").GetString(), Is.EqualTo(type));
        Assert.That(document.RootElement.GetProperty("format").GetString(), Is.EqualTo("text"));
        Assert.That(document.RootElement.GetProperty("title").GetString(), Is.EqualTo("QbSync destination nas"));
        Assert.That(document.RootElement.GetProperty("body").GetString(), Is.Not.Empty);
    }

    [TestCase(Preset.Sonarr, "v3", "DownloadedEpisodesScan")]
    [TestCase(Preset.Radarr, "v3", "DownloadedMoviesScan")]
    [TestCase(Preset.Lidarr, "v1", "DownloadedAlbumsScan")]
    [HostCase(43)]
    public void Importer_OfASyncedTorrent_ScansItsFolderAndMovesNothing(object preset, string api, string command)
    {
        var request = Make((Preset)preset, Base + "/", Told.Of(EngineEventKind.TorrentSynced, "a \"b\""), key: "k1");
        Assert.That(request.Url.AbsoluteUri, Is.EqualTo($"{Base}/api/{api}/command"));
        Assert.That(request.Headers, Is.EqualTo(new[] { KeyValuePair.Create("X-Api-Key", "k1") }));
        Assert.That(
            Encoding.UTF8.GetString(request.Body),
            Is.EqualTo(
                $$"""{"name":"{{command}}","path":"/data/tv/a \u0022b\u0022","downloadClientId":"0123456789ABCDEF0123456789ABCDEF01234567","importMode":"Copy"}"""));
    }

    [Test]
    public void Importer_OfATorrentWithAV2HashOnly_HasTheFortyDigitsThatClientsHave()
    {
        var told = Told.Of(EngineEventKind.TorrentSynced);
        var id = InfoHash.Parse(string.Concat(Enumerable.Repeat("0123456789abcdef", 4)));
        told = told with { Event = told.Event with { Torrent = told.Event.Torrent! with { Id = id } } };
        Assert.That(Body(Preset.Sonarr, Base, told), Does.Contain("\"downloadClientId\":\"0123456789ABCDEF0123456789ABCDEF01234567\""));
    }

    [Test]
    public void Events_Each_HaveANameAUrgencyAndASentenceOfTheirOwn()
    {
        var kinds = Enum.GetValues<EngineEventKind>();
        Assert.That(kinds.Select(EventNames.Of), Is.Unique.And.EquivalentTo(EventNames.All));
        Assert.That(kinds.Select(static kind => Told.Of(kind).Text), Is.Unique.And.All.EndsWith("."));
        Assert.That(EventNames.Find("torrent.*").Count(), Is.EqualTo(5));
        Assert.That(kinds.Select(Urgencies.Of), Is.All.Matches<Urgency>(static urgency => Enum.IsDefined(urgency)));
    }

    [Test]
    [HostCase(42)]
    public void Signature_OfATimestampAndABody_IsTheHmacOfBoth() => Assert.That(
        WebhookSigner.Sign("0123456789abcdef", "1700000000", "{\"a\":1}"u8),
        Is.EqualTo("v1=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23"));

    private static string Body(Preset preset, string url, Notification told) => Encoding.UTF8.GetString(Make(preset, url, told).Body);

    private static WebhookRequest Make(Preset preset, string url, Notification told, string key = "") =>
        WebhookBodies.Make(new Webhook("w", [.. Enum.GetValues<EngineEventKind>()], [], preset, new Uri(url)) { Key = key }, told);
}
