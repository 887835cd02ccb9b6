using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.QBittorrent.Adapters;
using QbSync.QBittorrent.Models;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.QBittorrent.Versions;
using QbSync.Testing.Specifications;
using static QbSync.QBittorrent.Tests.Scripted.ScriptedClient;

namespace QbSync.QBittorrent.Tests.Adapters;

internal sealed class TrackerWordsTests
{
    [ClientCase(18)]
    [TestCase(0, TrackerStatus.Disabled, TrackerStatus.Disabled)]
    [TestCase(1, TrackerStatus.NotContacted, TrackerStatus.NotContacted)]
    [TestCase(2, TrackerStatus.Working, TrackerStatus.Working)]
    [TestCase(3, TrackerStatus.Updating, TrackerStatus.Updating)]
    [TestCase(4, TrackerStatus.NotWorking, TrackerStatus.NotWorking)]
    [TestCase(5, TrackerStatus.Unknown, TrackerStatus.Refused)]
    [TestCase(6, TrackerStatus.Unknown, TrackerStatus.Unreachable)]
    [TestCase(9, TrackerStatus.Unknown, TrackerStatus.Unknown)]
    [TestCase(null, TrackerStatus.Unknown, TrackerStatus.Unknown)]
    public void Status_BeforeAndFrom52_IsItsWord(int? status, TrackerStatus before, TrackerStatus from)
    {
        Assert.That(TrackerWords.Parse(status, new WebApiProfile(new WebApiVersion(2, 12, 9))), Is.EqualTo(before));
        Assert.That(TrackerWords.Parse(status, new WebApiProfile(new WebApiVersion(2, 13, 0))), Is.EqualTo(from));
    }

    [TestCase("", AnnounceState.None)]
    [TestCase("0", AnnounceState.None)]
    [TestCase("1", AnnounceState.NotYet)]
    [TestCase("3", AnnounceState.NotYet)]
    [TestCase("4", AnnounceState.NotYet)]
    [TestCase("6", AnnounceState.NotYet)]
    [TestCase("9", AnnounceState.NotYet)]
    [TestCase("2", AnnounceState.Accepted)]
    [TestCase("5", AnnounceState.Rejected)]
    [TestCase("5 6 1", AnnounceState.Rejected)]
    [TestCase("5 4 2", AnnounceState.Accepted)]
    [TestCase("0 0 3", AnnounceState.NotYet)]
    public void Statuses_OfRealTrackers_Decide(string statuses, AnnounceState expected)
    {
        List<TrackerRecord> trackers =
        [
            .. new[] { "DHT", "PeX", "LSD" }.Select(static name => new TrackerRecord { Url = $"** [{name}] **", Status = 2, Tier = -1 }),
            .. statuses.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static word => new TrackerRecord
            {
                Url = "http://tracker.test/announce", Status = int.Parse(word), Tier = 0, Msg = $"text {word}",
            }),
        ];
        var (state, text) = TrackerWords.Of(trackers, new WebApiProfile(new WebApiVersion(2, 13, 0))).GetAnnounce();
        Assert.That(state, Is.EqualTo(expected));
        Assert.That(text, state == AnnounceState.Rejected ? Is.EqualTo("text 5") : Is.Not.EqualTo("text 5"));
    }

    [Test]
    public async Task Answer_WithPseudoEntriesAndOddFields_IsRead()
    {
        await using var client = new ScriptedClient("2.13.0");
        client.Server.Answer(
            "torrents/trackers",
            """
            [{"url":"** [DHT] **","status":2,"tier":"","msg":""},
             {"url":"https://t.test/secret","status":"5","tier":0,"msg":"unregistered torrent","endpoints":[{"x":1}]},
             {"url":"","status":null}]
            """);
        Assert.That((await client.Client.GetTrackersAsync(Id, default)).GetAnnounce(), Is.EqualTo((AnnounceState.Rejected, "unregistered torrent")));
        Assert.That(client.Server.Calls.Single().Path, Is.EqualTo($"torrents/trackers?hash={Id}"));
    }

    [Test]
    public async Task Answer_OfAnUnknownTorrent_IsNotFound()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("torrents/trackers", System.Net.HttpStatusCode.NotFound);
        Assert.That(client.Fault(() => client.Client.GetTrackersAsync(Id, default).AsTask()).Fault, Is.EqualTo(ClientFault.NotFound));
    }

    [TestCase("{}")]
    [TestCase("[null]")]
    [TestCase("[{")]
    public async Task Answer_Broken_IsABrokenAnswer(string body)
    {
        await using var client = new ScriptedClient();
        client.Server.Always("torrents/trackers", System.Net.HttpStatusCode.OK, body);
        Assert.That(client.Fault(() => client.Client.GetTrackersAsync(Id, default).AsTask()).Fault, Is.EqualTo(ClientFault.BrokenAnswer));
    }
}
