using System.Text.RegularExpressions;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Transcripts;

internal sealed partial class TranscriptsTests
{
    private static IReadOnlyList<string> Versions => Transcript.Versions;

    [Test]
    public void Transcripts_OfFourGenerations_AreStored() => Assert.That(Versions, Is.SupersetOf(new[] { "4.2.5", "4.5.2", "5.1.0", "5.3.0" }));

    [TestCaseSource(nameof(Versions))]
    public void Transcript_OfEachVersion_HasEveryRequestOfThePlan(string version) => Assert.That(
        Transcript.Load(version).Exchanges.Select(static exchange => exchange.Name),
        Is.EqualTo(RequestPlan.Load().OfType<PlanStep.Send>().Select(static step => step.Name)));

    [TestCaseSource(nameof(Versions)), ClientCase(60)]
    public void Transcript_Stored_HoldsNoPathPortCookieOrKey(string version)
    {
        foreach (var exchange in Transcript.Load(version).Exchanges)
        {
            var text = exchange.Write();
            Assert.That(Private().Matches(text).Select(static found => found.Value), Is.Empty, exchange.Name);
        }
    }

    [TestCaseSource(nameof(Versions))]
    public void Transcript_WrittenAgain_IsTheSame(string version)
    {
        foreach (var exchange in Transcript.Load(version).Exchanges)
        {
            var text = exchange.Write();
            Assert.That(Exchange.Read(exchange.Name, text).Write(), Is.EqualTo(text));
        }
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Handler_UnderOurClient_AnswersAsThatVersion(string version)
    {
        using var handler = new TranscriptHandler(version);
        handler.Then("version-no-login", "version");
        var options = new QBittorrentOptions { Url = new Uri("http://qb.test:8080/"), Username = "admin", Password = "right" };
        await using var api = new QBittorrentClient(options, handler);
        var torrent = new PlanTorrents()["v1"];
        var id = new ClientTorrentId(torrent.Manifest.V1.ToString());

        var records = await api.GetTorrentsAsync([id], CancellationToken.None).DefaultTimeout();
        var files = await api.GetFilesInformationAsync(id, CancellationToken.None).DefaultTimeout();

        Assert.That(records.Single().Name, Is.EqualTo(torrent.Name));
        Assert.That(files, Has.Count.EqualTo(torrent.Files.Count));
        Assert.That(handler.Played, Is.EqualTo(new[] { "version-no-login", "login-right", "version", "product", "build", "preferences", "info-one", "files" }));
        Assert.That(handler.Unknown, Is.Empty);
    }

    [Test]
    public void Handler_AskedForWhatWasNotRecorded_Throws()
    {
        using var handler = new TranscriptHandler("5.1.0");
        using var http = new HttpMessageInvoker(handler, disposeHandler: false);
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://qb.test/api/v2/torrents/info?filter=all");
        Assert.That(async () => await http.SendAsync(request, CancellationToken.None), Throws.InvalidOperationException);
        Assert.That(handler.Unknown, Is.EqualTo(new[] { "GET torrents/info?filter=all" }));
    }

    // Wrong credentials that the plan itself sends are no secrets.
    [GeneratedRegex("""/(?:tmp|home|root|var|usr)/|127\.0\.0\.1:[0-9]{4}|(?:_port"|SID_)[:=][1-9][0-9]{4}|SID=(?!\{cookie\}|0123456789abcdef)|qbt_(?!0123456789)[A-Za-z0-9]{10}|loopback-only""")]
    private static partial Regex Private();
}
