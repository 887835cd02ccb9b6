using System.Net;
using System.Text;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using static QbSync.QBittorrent.Tests.Scripted.ScriptedClient;

namespace QbSync.QBittorrent.Tests.Http;

internal sealed class SecretsTests
{
    private const string Canary = "c4nary";

    [TestCase("login"), TestCase("key"), TestCase("basic"), ClientCase(9)]
    public async Task Secrets_InAnswersAndCredentials_AreInNoLogExceptionOrMetric(string how)
    {
        List<string> seen = [];
        await using (var client = new LoopbackClient(options =>
        {
            (options.Username, options.Password) = how == "login" ? ("user", Canary) : (null, null);
            options.ApiKey = how == "key" ? "qbt_" + Canary : null;
            options.BasicAuth = how == "basic" ? "me:" + Canary : null;
            (options.Attempts, options.BreakerThreshold) = (1, 100);
        }))
        {
            client.Log.Expect(static entry => entry.Id.Id is QBittorrentEventIds.LoginRefused or QBittorrentEventIds.BasicRefused);
            EveryMethod.Answer(client.Server);
            client.Server.Answer("app/webapiVersion", HttpStatusCode.OK, "2.11.4", ("Set-Cookie", $"SID={Canary}; path=/"));
            client.Server.Always("app/preferences", HttpStatusCode.OK, $$"""{"save_path":"/d","proxy_password":"{{Canary}}","web_ui_password":"{{Canary}}","temp_path_enabled":"{{Canary}}"}""");
            client.Server.Always("torrents/export", HttpStatusCode.OK, $"d8:announce40:http://tracker.test/{Canary}/announce4:infodee");
            client.Server.Always("torrents/trackers", HttpStatusCode.OK, $$"""[{"url":"http://tracker.test/{{Canary}}/announce","status":4,"msg":"no"}]""");
            foreach (var verb in EveryMethod.Of<ITorrentClient>())
            {
                await EveryMethod.CallAsync(client.Client, verb, default).DefaultTimeout();
            }

            // Answers that hold a secret where it cannot be read, in each endpoint that is parsed.
            foreach (var (endpoint, body) in new[]
            {
                ("torrents/files", $$"""[{"name":{{Canary}}}]"""), ("torrents/info", $$"""[{"hash":"{{Canary}}"}]"""), ("torrents/trackers", $"\"{Canary}\""),
                ("torrents/categories", $"{{\"{Canary}\":{{\"name\":[}}}}"), ("torrents/export", $"<html>{Canary}"), ("sync/maindata", $"{{\"torrents\":{{\"{Canary}\":1}}}}"),
                ("app/preferences", $$"""{"proxy_password":"{{Canary}}" x"""), ("app/version", Canary),
            })
            {
                client.Server.Always(endpoint, HttpStatusCode.OK, body);
            }

            Collect(() => client.Api.GetFilesInformationAsync(Id, default));
            Collect(() => client.Api.GetTorrentsAsync([Id], default));
            Collect(() => client.Api.GetTrackersAsync(Id, default));
            Collect(() => client.Api.GetCategoriesAsync(default));
            Collect(() => client.Api.ExportTorrentAsync(Id, default));
            Collect(() => client.Api.GetMainDataAsync(0, default));
            Collect(() => client.Api.GetAppPreferencesAsync(default));
            client.Server.Answer("torrents/categories", HttpStatusCode.Found, Canary, ("Location", $"https://u:{Canary}@x.test/?token={Canary}#{Canary}"));
            Collect(() => client.Api.GetCategoriesAsync(default));
            client.Api.RetryLogin();
            client.Server.Always("app/webapiVersion", how == "basic" ? HttpStatusCode.Unauthorized : HttpStatusCode.Forbidden, Canary).Always("auth/login", HttpStatusCode.Unauthorized, Canary);
            Collect(() => client.Api.GetCategoriesAsync(default));
            Collect(() => client.Api.GetCategoriesAsync(default));
            seen.AddRange(client.Log.Entries.Select(static entry => entry.ToString()));
            seen.Add(MetricReader.Scrape(client.Registry));
        }

        Assert.That(seen, Has.Count.GreaterThan(10));
        Assert.That(seen, Has.None.Contains(Canary));
        Assert.That(seen, Has.None.Contains(Convert.ToBase64String(Encoding.UTF8.GetBytes("me:" + Canary))));

        void Collect(Func<Task> call) => seen.Add(Assert.CatchAsync<TorrentClientException>(() => call().DefaultTimeout())!.ToString());
    }

    [TestCase("HTTP/1.1 200 OK\r\nSet-Cookie SID=c4nary\r\n\r\n"), TestCase("c4nary is no status line\r\n\r\n"), TestCase("HTTP/1.1 200 OK\r\nContent-Length: c4nary\r\n\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc4nary\r\n"), TestCase("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\nc4nary")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 400\r\nSet-Cookie: SID=c4nary\r\n\r\nc4nary")]
    [ClientCase(9)]
    public async Task Answer_ThatIsNoHttp_IsBrokenAndNotQuoted(string answer)
    {
        await using var server = new RawServer(answer);
        await using var client = new LoopbackClient(options => (options.Url, options.Attempts) = (server.Url, 1));
        var fault = Assert.ThrowsAsync<TorrentClientException>(() => client.Api.GetVersionAsync(default).DefaultTimeout())!;
        Assert.That(fault.Fault, Is.EqualTo(ClientFault.BrokenAnswer).Or.EqualTo(ClientFault.NotAWebApi), fault.Message);
        Assert.That($"{fault} {string.Join(' ', client.Log.Entries)} {MetricReader.Scrape(client.Registry)}", Does.Not.Contain(Canary));
    }
}
