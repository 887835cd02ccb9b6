using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.QBittorrent.Adapters;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Clients;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;

namespace QbSync.QBittorrent.Tests.Adapters;

internal sealed partial class ClientFeedTests
{
    [Test]
    [ClientCase(23)]
    [SourceCase(32)]
    public async Task Poll_EmptiedListThenFirstTorrentAndCategoryByDelta_AreFollowed()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", """{"rid":1,"full_update":true,"server_state":{}}""")
            .Answer("sync/maindata", $$$"""{"rid":2,"torrents":{ {{{Torrent(A, "a")}}} },"categories":{"films":{"name":"films","savePath":""} } }""")
            .Answer("sync/maindata", """{"rid":3}""")
            .Answer("sync/maindata", $$$"""{"full_update":false,"rid":4,"torrents":{ {{{Torrent(A, "again", "uploading")}}} },"torrents_removed":[],"categories":{},"categories_removed":[],"tags":[],"tags_removed":[],"server_state":{}}""")
            .Answer("sync/maindata", $$"""{"rid":5,"torrents_removed":["{{A}}"],"categories_removed":["films"]}""")
            .Answer("sync/maindata", $$$"""{"rid":6,"torrents":{ {{{Torrent(B, "b")}}} } }""");
        var empty = await PollAsync(client);
        var first = await PollAsync(client);
        var nothing = await PollAsync(client);
        var all = await PollAsync(client);
        var emptied = await PollAsync(client);
        var next = await PollAsync(client);

        Assert.That((empty.Kind, empty.Torrents.Count, empty.Categories.Count), Is.EqualTo((ClientUpdateKind.Full, 0, 0)));
        Assert.That((first.Kind, first.Torrents.Single().Name, first.Categories.Single()), Is.EqualTo((ClientUpdateKind.Delta, "a", "films")));
        Assert.That((nothing.Kind, nothing.Torrents, nothing.Categories), Is.EqualTo((ClientUpdateKind.Delta, first.Torrents, first.Categories)));
        Assert.That((all.Kind, all.Torrents.Single().Name, all.Torrents.Single().State), Is.EqualTo((ClientUpdateKind.Delta, "again", ClientTorrentState.Uploading)));
        Assert.That((emptied.Torrents.Count, emptied.Categories.Count, emptied.Removed.Single().Value), Is.EqualTo((0, 0, A)));
        Assert.That(next.Torrents.Single().Name, Is.EqualTo("b"));
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "1", "2", "3", "4", "5" }));
    }

    [Test]
    [ClientCase(24)]
    public async Task Poll_FieldLostByTheServer_IsHealedWithinTenMinutes()
    {
        await using var client = new ScriptedClient();

        // The change to "uploading" was in an answer that the server thinks we have.
        client.Server.Answer("sync/maindata", Full(1, Torrent(A, "a"))).AlwaysDo(
            "sync/maindata", () => Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, Encoding.UTF8.GetBytes(
                Rids(client).Last() == "0" ? Full(9, Torrent(A, "a", "uploading")) : """{"rid":2}"""))));
        var update = await PollAsync(client);
        var polls = 0;
        while (update.Torrents.Single().State == ClientTorrentState.StalledUp)
        {
            client.Time.Advance(TimeSpan.FromSeconds(10));
            update = await PollAsync(client);
            Assert.That(++polls, Is.LessThanOrEqualTo(60), "ten minutes");
        }

        Assert.That((update.Kind, polls), Is.EqualTo((ClientUpdateKind.Full, 60)));
    }

    [Test]
    [ClientCase(25)]
    public async Task Poll_MaindataThatCosts_IsAskedForEverySixSecondsAndWatchedInBetween()
    {
        await using var client = new ScriptedClient();
        List<TimeSpan> asked = [], watched = [];
        var began = client.Time.GetTimestamp();
        client.Server.AlwaysDo("sync/maindata", () => Take(300, asked, Rids(client).Last() == "0" ? Full(1, Torrent(A, "a"), Torrent(B, "b")) : """{"rid":1}"""));
        client.Server.AlwaysDo("torrents/info", () => Take(1, watched, "[" + Torrent(A, "a", withHash: true) + "]"));
        for (var i = 0; i < 240; i++)
        {
            await PollAsync(client, A);
            client.Time.Advance(TimeSpan.FromMilliseconds(500));
        }

        // The first two answers of a kind tell what it costs.
        var later = asked.Skip(3).ToList();
        Assert.That(later.Zip(later.Skip(1), static (one, next) => next - one), Is.All.GreaterThanOrEqualTo(TimeSpan.FromSeconds(6)).And.All.LessThan(TimeSpan.FromSeconds(7.5)));
        Assert.That(asked.Count + watched.Count, Is.EqualTo(240), "each poll is one call");
        Assert.That(client.Server.Calls.Where(static call => call.Path.StartsWith("torrents/", StringComparison.Ordinal)).Select(static call => call.Path), Is.All.EqualTo($"torrents/info?hashes={A}"));

        Task<HttpResponseMessage> Take(int milliseconds, List<TimeSpan> at, string body)
        {
            at.Add(client.Time.GetElapsedTime(began));
            client.Time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            return Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, Encoding.UTF8.GetBytes(body)));
        }
    }

    [Test]
    [ClientCase(25)]
    public async Task Poll_CheapMaindataFarAway_IsAskedForByEachPoll()
    {
        await using var client = new ScriptedClient();
        client.Server.AlwaysDo("sync/maindata", () => Far(301, Rids(client).Last() == "0" ? Full(1, Torrent(A, "a")) : """{"rid":1}"""))
            .AlwaysDo("torrents/info", () => Far(300, "[" + Torrent(A, "a", withHash: true) + "]"));
        for (var i = 0; i < 5; i++)
        {
            await client.Client.GetAsync([new ClientTorrentId(A)], default).DefaultTimeout();
        }

        for (var i = 0; i < 60; i++)
        {
            Assert.That((await PollAsync(client, A)).Kind, Is.Not.EqualTo(ClientUpdateKind.Watched));
            client.Time.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.That(Rids(client).Count(), Is.EqualTo(60));

        Task<HttpResponseMessage> Far(int milliseconds, string body)
        {
            client.Time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            return Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, Encoding.UTF8.GetBytes(body)));
        }
    }

    [Test]
    public async Task Poll_RetriedAfterPauses_CostsWhatItsLastAttemptTook()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", Full(1, Torrent(A, "a")));
        await PollAsync(client);
        for (var i = 0; i < 4; i++)
        {
            client.Server.Throw("sync/maindata", new HttpRequestException(HttpRequestError.ResponseEnded)).Answer("sync/maindata", """{"rid":2}""");
            Assert.That((await client.RunAsync(() => PollAsync(client))).Kind, Is.EqualTo(ClientUpdateKind.Delta));
        }
    }

    [Test]
    public void PollCost_OfAnyDuration_NeverSilencesTheFeed()
    {
        var cost = default(PollCost).Then(TimeSpan.FromMinutes(5), TimeSpan.Zero).Then(TimeSpan.FromMinutes(4), TimeSpan.Zero);
        Assert.That(cost.Pause, Is.EqualTo(TimeSpan.FromMinutes(2)));
        Assert.That(cost.Then(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(99)).Pause, Is.EqualTo(TimeSpan.FromMilliseconds(20)));
    }

    [TestCase("0")]
    [TestCase("-1")]
    [TestCase(null)]
    [TestCase("\"plenty\"")]
    [TestCase("null")]
    [ClientCase(27)]
    public async Task Poll_FreeSpaceThatIsNone_IsNotKnown(string? told)
    {
        await using var client = new ScriptedClient();
        var state = told is null ? "{}" : $$"""{"free_space_on_disk":{{told}}}""";
        client.Server.Answer("sync/maindata", Full(1)).Answer("sync/maindata", $$"""{"rid":2,"server_state":{{state}}}""")
            .Answer("sync/maindata", $$"""{"rid":1,"full_update":true,"server_state":{{state}}}""");
        Assert.That((await PollAsync(client)).FreeBytes, Is.EqualTo(1000));
        var delta = await PollAsync(client);
        client.Time.Advance(TimeSpan.FromMinutes(10));
        var full = await PollAsync(client);
        Assert.That(delta.FreeBytes, Is.EqualTo(told is null ? 1000 : (long?)null), "a change that does not tell it leaves it");
        Assert.That(full.FreeBytes, Is.Null);
    }

    [Test]
    [ClientCase(27)]
    public async Task Poll_OneOfFiveThousandChanged_TheOthersAreTheSameObjects()
    {
        await using var client = new ScriptedClient();
        var id = WebApiAnswers.Id(1234);
        client.Server.Answer("sync/maindata", WebApiAnswers.MainData(5_000))
            .Answer("sync/maindata", $$"""{"rid":2,"torrents":{"{{id}}":{"progress":0.5} } }""")
            .Answer("sync/maindata", WebApiAnswers.MainData(5_000));
        var before = (await PollAsync(client)).Torrents;
        var after = (await PollAsync(client)).Torrents;
        client.Time.Advance(TimeSpan.FromMinutes(10));
        var again = (await PollAsync(client)).Torrents;

        Assert.That(Changed(before, after), Is.EqualTo(new[] { id }));
        Assert.That(Changed(after, again), Is.EqualTo(new[] { id }), "everything anew, and one is as it was");
        Assert.That(before.Single(torrent => torrent.Id.Value == id).Progress, Is.EqualTo(1), "an update does not change any more");

        static IEnumerable<string> Changed(IReadOnlyList<TorrentStatus> one, IReadOnlyList<TorrentStatus> other)
        {
            Assert.That(other, Has.Count.EqualTo(one.Count));
            return other.Except(one, ReferenceEqualityComparer.Instance).Cast<TorrentStatus>().Select(static torrent => torrent.Id.Value);
        }
    }

    [Test]
    [ClientCase(27)]
    public async Task Poll_AnotherClientAnswersInMidPoll_NothingOfItCounts()
    {
        await using var client = new ScriptedClient();
        var calls = 0;
        client.Server.AlwaysDo("sync/maindata", () =>
        {
            switch (++calls)
            {
                case 2:
                    // It went away, and who is there now has other folders and another numbering.
                    client.Server.Always("app/preferences", HttpStatusCode.OK, """{"save_path":"/other","temp_path_enabled":false}""");
                    throw new HttpRequestException(HttpRequestError.ConnectionError, inner: new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.ConnectionRefused));
                case 3:
                    return Answer($$"""{"rid":2,"torrents_removed":["{{A}}"]}""");
                default:
                    return Answer(calls == 1 ? Full(1, Torrent(A, "a")) : Full(1, Torrent(B, "b")));
            }
        });
        var before = await PollAsync(client);
        var after = await client.RunAsync(() => PollAsync(client));

        Assert.That((after.Kind, after.Torrents.Single().Name, after.Removed.Count), Is.EqualTo((ClientUpdateKind.Full, "b", 0)));
        Assert.That(after.Epoch, Is.GreaterThan(before.Epoch));
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "1", "1", "0" }));

        static Task<HttpResponseMessage> Answer(string body) => Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, Encoding.UTF8.GetBytes(body)));
    }

    [Test]
    public async Task Poll_StateSharedWithAnotherProgram_GoesOverToListsAndWarnsOnce()
    {
        await using var client = new ScriptedClient("2.14.1");
        var rid = 0;

        // Whoever asked last, it was not us.
        client.Server.AlwaysDo("sync/maindata", () => Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, Encoding.UTF8.GetBytes(Full(rid += 2, Torrent(A, "a"))))))
            .Always("torrents/info", HttpStatusCode.OK, "[" + Torrent(A, "a", withHash: true) + "," + Torrent(B, "b", withHash: true) + "]");
        ClientUpdate update = null!;
        for (var i = 0; i < 20; i++)
        {
            update = await PollAsync(client);
            Assert.That(update.Kind, Is.EqualTo(ClientUpdateKind.Full));
            client.Time.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.That(update.Torrents.Select(static torrent => torrent.Name), Is.EquivalentTo(new[] { "a", "b" }));
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "2", "0", "6" }), "everything, a change, everything, a change; then lists");
        Assert.That(client.Log.Entries.Count(static entry => entry.Level == LogLevel.Warning && entry.Id.Id == QBittorrentEventIds.StateIsShared), Is.EqualTo(1));

        // A new login may have a state of its own.
        await client.Client.DescribeAsync(refresh: true, default);
        await PollAsync(client);
        Assert.That(Rids(client).Last(), Is.EqualTo("0"));
        Assert.That(Rids(client).Count(), Is.EqualTo(5));
    }

    [Test]
    public async Task Poll_TwoUnaskedFullUpdatesFarApart_AreChance()
    {
        await using var client = new ScriptedClient();
        foreach (var rid in new[] { 1, 5, 6, 9, 10, 11 })
        {
            client.Server.Answer("sync/maindata", Full(rid, Torrent(A, "a")));
        }

        for (var i = 0; i < 6; i++)
        {
            await PollAsync(client);
            client.Time.Advance(TimeSpan.FromSeconds(40));
        }

        Assert.That(client.Server.Count("torrents/info"), Is.Zero);
        Assert.That(string.Join(' ', Rids(client)), Is.EqualTo(string.Create(CultureInfo.InvariantCulture, $"0 1 0 6 0 10")));
    }
}
