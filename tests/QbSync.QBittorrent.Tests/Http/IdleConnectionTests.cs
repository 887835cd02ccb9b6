using QbSync.QBittorrent.Http;
using QbSync.QBittorrent.Tests.Real;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Http;

/// <summary>A server that cuts idle connections must never meet a request of ours on its way. The idling is real, since sockets have their own clock.</summary>
internal sealed class IdleConnectionTests
{
    private const int Clients = 200;

    [Test, ClientCase(52)]
    public void Handler_LetsGoOfIdleConnectionsBeforeTheServerCutsThem()
    {
        using var handler = ClientHandler.Create(new Uri("http://127.0.0.1/"));
        Assert.That(handler.PooledConnectionIdleTimeout, Is.LessThanOrEqualTo(TimeSpan.FromSeconds(5)));
        Assert.That((handler.AllowAutoRedirect, handler.MaxConnectionsPerServer, handler.ConnectTimeout), Is.EqualTo((false, 6, TimeSpan.FromSeconds(5))));
    }

    [Test, Category("Long"), ClientCase(52)]
    public async Task Mutation_After6Or7Or8IdleSeconds_IsSentOnceAndAnswered()
    {
        using var answers = new ScriptedServer("2.11.4");
        EveryMethod.Answer(answers);
        await using var sockets = new LoopbackServer(answers, idle: TimeSpan.FromSeconds(7));
        var clients = Enumerable.Range(0, Clients).Select(_ => new QBittorrentClient(new QBittorrentOptions { Url = sockets.Url, Attempts = 1 })).ToList();
        await Task.WhenAll(clients.Select(static client => client.GetVersionAsync(default))).DefaultTimeout();
        await Task.WhenAll(clients.Select(async (client, index) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(6 + index % 3), TimeProvider.System);
            await client.AddTagsAsync([ScriptedClient.Id], ["t"], default);
        })).DefaultTimeout();
        Assert.That(answers.Count("torrents/addTags"), Is.EqualTo(Clients));
        Assert.That(sockets.Cut, Is.LessThan(Clients / 10), "we let go first");
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Test, Category("Long"), Category("Real"), NonParallelizable, ClientCase(52)]
    public async Task Mutation_AfterIdleSecondsOfARealClient_IsAnsweredWithoutARetry()
    {
        await using var lab = new AccessLab();
        var party = lab.Connect(await lab.StartAsync());
        foreach (var seconds in new[] { 6, 7, 8 })
        {
            await party.Api.GetVersionAsync(default).DefaultTimeout();
            await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System);
            await party.Api.CreateCategoryAsync($"after-{seconds}", default).DefaultTimeout();
        }

        Assert.That((await party.Api.GetCategoriesAsync(default).DefaultTimeout()).Keys, Is.SupersetOf(new[] { "after-6", "after-7", "after-8" }));
        Assert.That(MetricReader.Read(party.Registry, "qbsync_qb_client_retries_total"), Is.Zero);
        Assert.That(party.Logins, Is.EqualTo(1));
    }
}
