using System.Net;
using System.Text;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Adapters;

internal sealed partial class ClientFeedTests
{
    private static readonly string A = new('a', 40), B = new('b', 40);

    [Test]
    public async Task Poll_FullThenDeltas_FollowsByAnswerNumber()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", Full(1, Torrent(A, "a"), Torrent(B, "b")))
            .Answer("sync/maindata", $$$"""{"rid":2,"torrents":{"{{{A}}}":{"progress":0.5,"availability":null}},"server_state":{}}""")
            .Answer("sync/maindata", """{"rid":3}""")
            .Answer("sync/maindata", $$$"""{"rid":4,"torrents_removed":["{{{A}}}"],"torrents":null,"server_state":{"free_space_on_disk":-1}}""");
        var full = await PollAsync(client);
        var delta = await PollAsync(client);
        var empty = await PollAsync(client);
        var removed = await PollAsync(client);

        Assert.That(new[] { full.Kind, delta.Kind, empty.Kind, removed.Kind }, Is.EqualTo(new[] { ClientUpdateKind.Full, ClientUpdateKind.Delta, ClientUpdateKind.Delta, ClientUpdateKind.Delta }));
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "1", "2", "3" }));
        Assert.That(full.FreeBytes, Is.EqualTo(1000));
        Assert.That(delta.Torrents.Single(static torrent => torrent.Name == "a").Progress, Is.EqualTo(0.5));
        Assert.That(delta.Torrents.Single(static torrent => torrent.Name == "b"), Is.SameAs(full.Torrents.Single(static torrent => torrent.Name == "b")));
        Assert.That(empty.Torrents, Is.SameAs(delta.Torrents));
        Assert.That(removed.Removed, Is.EqualTo(new[] { new ClientTorrentId(A) }));
        Assert.That(removed.Torrents.Select(static torrent => torrent.Name), Is.EqualTo(new[] { "b" }));
        Assert.That(removed.FreeBytes, Is.Null);
        Assert.That(new[] { full.Sequence, delta.Sequence, empty.Sequence, removed.Sequence }, Is.EqualTo(new[] { 1, 2, 3, 4 }));
    }

    [TestCase("lost")]
    [TestCase("cut")]
    [TestCase("undecodable")]
    [ClientCase(24)]
    public async Task Poll_AnswerNotHad_AsksForEverythingNext(string how)
    {
        await using var client = new ScriptedClient(configure: static options => options.Attempts = 1);
        client.Server.Answer("sync/maindata", Full(1, Torrent(A, "a")));
        await PollAsync(client);
        _ = how switch
        {
            "lost" => client.Server.Throw("sync/maindata", new HttpRequestException(HttpRequestError.ResponseEnded)),
            "cut" => client.Server.Answer("sync/maindata", """{"rid":2,"torr"""),
            _ => client.Server.Answer("sync/maindata", "<html>"),
        };
        Assert.That(async () => await PollAsync(client), Throws.TypeOf<TorrentClientException>());
        client.Server.Answer("sync/maindata", Full(1, Torrent(B, "b")));
        var update = await PollAsync(client);
        Assert.That((update.Kind, update.Torrents.Single().Name), Is.EqualTo((ClientUpdateKind.Full, "b")));
        Assert.That(update.Removed, Is.Empty, "absence is visible, not explained");
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "1", "0" }));
    }

    [Test]
    [ClientCase(24)]
    public async Task Poll_CancelledByItsCaller_AsksForEverythingNext()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", Full(1)).Do("sync/maindata", static () => new TaskCompletionSource<HttpResponseMessage>().Task).Answer("sync/maindata", Full(1));
        await PollAsync(client);
        using var caller = new CancellationTokenSource();
        var poll = client.Client.PollAsync([], caller.Token).AsTask();
        await Eventually.BecomesTrueAsync(() => client.Server.Count("sync/maindata") == 2);
        await caller.CancelAsync();
        Assert.That(async () => await poll.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
        await PollAsync(client);
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "1", "0" }));
    }

    [Test]
    [ClientCase(24)]
    [SourceCase(32)]
    public async Task Poll_UnaskedFullUpdate_IsFullAndFollowedByAnother()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", Full(7, Torrent(A, "a"))).Answer("sync/maindata", Full(1, Torrent(B, "b"))).Answer("sync/maindata", Full(2, Torrent(B, "b")));
        await PollAsync(client);
        var unasked = await PollAsync(client);
        await PollAsync(client);
        Assert.That((unasked.Kind, unasked.Torrents.Single().Name), Is.EqualTo((ClientUpdateKind.Full, "b")));
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "7", "0" }));
    }

    [Test]
    public async Task Poll_DeltaOfAnUnknownTorrentLackingFields_AsksForEverythingNext()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", Full(1)).Answer("sync/maindata", $$$"""{"rid":2,"torrents":{"{{{A}}}":{"progress":0.1} } }""").Answer("sync/maindata", Full(1, Torrent(A, "a")));
        await PollAsync(client);
        await PollAsync(client);
        var healed = await PollAsync(client);
        Assert.That(healed.Torrents.Single().Name, Is.EqualTo("a"));
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "1", "0" }));
    }

    [Test]
    public async Task Poll_NewLogin_AsksForEverything()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", Full(1)).Answer("sync/maindata", Full(1));
        await PollAsync(client);
        await client.Client.DescribeAsync(refresh: true, default);
        await PollAsync(client);
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "0" }));
    }

    [Test]
    public async Task Poll_TenMinutesLater_AsksForEverything()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", Full(1)).Answer("sync/maindata", Full(1));
        await PollAsync(client);
        client.Time.Advance(TimeSpan.FromMinutes(10));
        await PollAsync(client);
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "0" }));
    }

    [Test]
    public async Task Poll_CostlyMaindata_IsAnsweredByWatchedInBetween()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", Full(1, Torrent(A, "a"), Torrent(B, "b")));
        await PollAsync(client);
        for (var i = 0; i < 2; i++)
        {
            client.Server.Do("sync/maindata", () =>
            {
                client.Time.Advance(TimeSpan.FromMilliseconds(300));
                return Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, """{"rid":2}"""u8.ToArray()));
            });
            Assert.That((await PollAsync(client)).Kind, Is.EqualTo(ClientUpdateKind.Delta), "one slow answer alone is no cost");
        }

        client.Server.Answer("torrents/info", "[" + Torrent(A, "a", "uploading", withHash: true) + "]");
        var watched = await PollAsync(client, A);
        var none = await PollAsync(client);
        Assert.That((watched.Kind, none.Kind), Is.EqualTo((ClientUpdateKind.Watched, ClientUpdateKind.Watched)));
        Assert.That(watched.Torrents, Has.Count.EqualTo(2));
        Assert.That(watched.Torrents.Single(static torrent => torrent.Name == "a").State, Is.EqualTo(ClientTorrentState.Uploading));
        Assert.That(client.Server.Calls[^1].Path, Is.EqualTo($"torrents/info?hashes={A}"));

        client.Time.Advance(TimeSpan.FromSeconds(6));
        client.Server.Answer("sync/maindata", """{"rid":3}""");
        var delta = await PollAsync(client, A);
        Assert.That(delta.Kind, Is.EqualTo(ClientUpdateKind.Delta));
        Assert.That(delta.Torrents.Single(static torrent => torrent.Name == "a").State, Is.EqualTo(ClientTorrentState.StalledUp), "the client's own last answer, which it builds its changes on");
        Assert.That(Rids(client), Is.EqualTo(new[] { "0", "1", "2", "2" }));
    }

    [Test]
    public async Task Poll_NeverAsksByFilter()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("sync/maindata", Full(1)).Answer("torrents/info", "[]");
        await PollAsync(client);
        await client.Client.FindAsync(QbSync.Torrents.InfoHash.Parse(A), QbSync.Torrents.InfoHash.Parse(new string('c', 64)), default);
        Assert.That(client.Server.Calls[^1].Path, Is.EqualTo($"torrents/info?hashes={A}%7C{new string('c', 64)}%7C{new string('c', 40)}"));
        Assert.That(client.Server.Requests.Select(static request => request.Path), Is.All.Not.Contain("filter").And.All.Not.Contain("tag=").And.All.Not.Contain("category="));
    }

    private static Task<ClientUpdate> PollAsync(ScriptedClient client, params string[] watched) =>
        client.Client.PollAsync([.. watched.Select(static id => new ClientTorrentId(id))], default).DefaultTimeout();

    private static IEnumerable<string> Rids(ScriptedClient client) =>
        client.Server.Requests.Where(static request => request.Path.StartsWith("sync/maindata", StringComparison.Ordinal)).Select(static request => request.Path.Split("rid=")[1]);

    private static string Full(long rid, params string[] torrents)
    {
        var text = new StringBuilder($$$"""{"torrents":{""");
        text.AppendJoin(',', torrents);
        return text.Append("},").Append($$$"""
            "rid":{{{rid}}},"full_update":true,"server_state":{"free_space_on_disk":1000}}
            """).ToString();
    }

    private static string Torrent(string id, string name, string state = "stalledUP", bool withHash = false)
    {
        var body = $$$"""{"hash":"{{{id}}}","name":"{{{name}}}","state":"{{{state}}}","save_path":"/d","progress":1,"amount_left":0}""";
        return withHash ? body : $"\"{id}\":{body.Replace($"\"hash\":\"{id}\",", "", StringComparison.Ordinal)}";
    }
}
