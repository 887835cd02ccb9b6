using System.Net;
using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Pipeline;

internal sealed class CredentialsTests
{
    private const string Password = "p&ss wörd";

    [TestCase("bypass"), TestCase("bypass, though a password is set"), TestCase("key"), TestCase("proxy")]
    [ClientCase(2)]
    public async Task Client_ThatLetsUsIn_IsSentNoLoginAndItsCookieComesBack(string how)
    {
        await using var client = new LoopbackClient(options =>
        {
            (options.Username, options.Password) = how.Contains("password", StringComparison.Ordinal) ? ("user", Password) : (null, null);
            options.ApiKey = how == "key" ? "qbt_right" : null;
            options.BasicAuth = how == "proxy" ? "me:secret" : null;
        });
        client.Server.Answer("app/webapiVersion", HttpStatusCode.OK, "2.14.1", ("Set-Cookie", "ANY_NAME_42=let-in; HttpOnly; path=/"));
        client.Server.Always("torrents/categories", HttpStatusCode.OK, "{}");
        await client.Api.GetCategoriesAsync(default).DefaultTimeout();
        await client.Api.GetVersionAsync(default).DefaultTimeout();

        Assert.That(client.Server.Count("auth/login"), Is.Zero);
        Assert.That(client.Metric("qbsync_qb_api_calls_total", "Login"), Is.Zero);
        var heads = client.Sockets.Heads;
        Assert.That(heads.Skip(1), Is.Not.Empty.And.All.Contains("\r\nCookie: ANY_NAME_42=let-in\r\n"));
        var expected = how == "key" ? "Authorization: Bearer qbt_right\r\n" : how == "proxy" ? "Authorization: Basic bWU6c2VjcmV0\r\n" : null;
        Assert.That(heads, expected is null ? Has.None.Contains("Authorization") : Has.All.Contains(expected));
    }

    [Test, ClientCase(4)]
    public async Task WrongPassword_ForADayWithRestartsAndProbes_IsSentThreeTimes()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var records = new MemoryRecords();
        using var server = new ScriptedServer("2.11.4");
        server.Always("app/webapiVersion", HttpStatusCode.Forbidden).Always("auth/login", HttpStatusCode.OK, "Fails.");
        for (var restart = 0; restart <= 30; restart++)
        {
            await using var client = Start(records, time, server);
            for (var call = 0; call < 48; call++)
            {
                Assert.That(async () => await client.Api.GetVersionAsync(default).DefaultTimeout(), Throws.TypeOf<TorrentClientException>());
                for (var probe = 0; probe < 20; probe++)
                {
                    Assert.That(client.Client.Availability.Gate, Is.EqualTo(ClientGate.Isolated), "what a probe of health reads, which sends nothing");
                }

                time.Advance(TimeSpan.FromMinutes(1));
            }
        }

        Assert.That(server.Count("auth/login"), Is.EqualTo(3));
        Assert.That(records.Content.Keys, Is.EqualTo(new[] { "qb-login" }));
    }

    [Test, ClientCase(4)]
    public async Task Ban_ByAnotherProgram_IsNoTryFor65MinutesOverRestarts()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var records = new MemoryRecords();
        using var server = new ScriptedServer("2.11.4");
        server.Always("app/webapiVersion", HttpStatusCode.Forbidden).Always("auth/login", HttpStatusCode.Forbidden, "banned");
        for (var minute = 0; minute < 65; minute++)
        {
            await using var client = Start(records, time, server);
            var fault = client.Fault(() => client.Api.GetVersionAsync(default)).Fault;
            Assert.That(fault, Is.EqualTo(minute == 0 ? ClientFault.Banned : ClientFault.Unauthorized));
            Assert.That(server.Count("auth/login"), Is.EqualTo(1), $"minute {minute}");
            time.Advance(TimeSpan.FromMinutes(1));
        }

        var loggedIn = false;
        server.AlwaysDo("app/webapiVersion", () => Task.FromResult(ScriptedServer.Make(loggedIn ? HttpStatusCode.OK : HttpStatusCode.Forbidden, "2.11.4"u8.ToArray())));
        server.AlwaysDo("auth/login", () =>
        {
            loggedIn = true;
            return Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, "Ok."u8.ToArray()));
        });
        await using var last = Start(records, time, server);
        Assert.That(await last.Api.GetVersionAsync(default).DefaultTimeout(), Is.EqualTo("v9.9.9"));
        Assert.That(records.Content, Is.Empty, "a success clears the ledger");
    }

    [TestCase("401"), TestCase("basic"), TestCase("302"), TestCase("page"), TestCase("404"), ClientCase(6)]
    public async Task Probe_AnsweredBySomethingElse_SendsNoLoginAndIsNamed(string answer)
    {
        await using var client = new ScriptedClient(configure: options =>
        {
            (options.Username, options.Password) = ("user", Password);
            options.BasicAuth = answer == "basic" ? "me:secret" : null;
        });
        client.Log.Expect(QBittorrentEventIds.BasicRefused);
        var (status, body) = answer switch
        {
            "401" or "basic" => (HttpStatusCode.Unauthorized, "Unauthorized"),
            "302" => (HttpStatusCode.Found, ""),
            "page" => (HttpStatusCode.OK, "<!doctype html><title>My router</title>"),
            _ => (HttpStatusCode.NotFound, ""),
        };
        client.Server.AlwaysDo("app/webapiVersion", () => Task.FromResult(ScriptedServer.Make(
            status, System.Text.Encoding.UTF8.GetBytes(body), ("Location", "https://user:canary@elsewhere.test/login?token=canary"))));
        var fault = client.Fault(() => client.Api.GetVersionAsync(default));

        Assert.That((fault.Fault, fault.RetryAfter), Is.EqualTo(answer switch
        {
            "401" => (ClientFault.HostRefused, TimeSpan.FromMinutes(5)),
            "basic" => (ClientFault.Unauthorized, TimeSpan.FromMinutes(10)),
            "302" => (ClientFault.Redirected, TimeSpan.FromMinutes(5)),
            _ => (ClientFault.NotAWebApi, TimeSpan.FromMinutes(5)),
        }));
        Assert.That(fault.Message, Does.Contain("qb.test").And.Contain(answer == "basic" ? "qb-basic-auth" : "qb-url").And.Not.Contain("canary"));
        Assert.That(answer != "302" || fault.Message.Contains("https://elsewhere.test/login", StringComparison.Ordinal), fault.Message);
        Assert.That(client.Server.Count("auth/login"), Is.Zero);
        Assert.That((client.Metric("qbsync_circuit_breaker_state"), client.Metric("qbsync_circuit_breaker_trips_total")), Is.EqualTo((1d, 0d)));
        Assert.That(client.Fault(() => client.Api.GetVersionAsync(default)).Fault, Is.EqualTo(ClientFault.BreakerOpen));
    }

    [Test, ClientCase(6)]
    public async Task BasicAuth_RefusedByTheClient_CountsAsAWrongLogin()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var records = new MemoryRecords();
        using var server = new ScriptedServer("2.15.1");
        server.Always("app/webapiVersion", HttpStatusCode.Unauthorized);
        for (var restart = 0; restart < 24; restart++)
        {
            await using var client = Start(records, time, server, static options => (options.Username, options.Password, options.BasicAuth) = (null, null, "me:secret"));
            for (var call = 0; call < 60; call++)
            {
                Assert.That(async () => await client.Api.GetVersionAsync(default).DefaultTimeout(), Throws.TypeOf<TorrentClientException>());
                time.Advance(TimeSpan.FromMinutes(1));
            }
        }

        Assert.That(server.Requests.Count(static request => request.Headers.ContainsKey("Authorization")), Is.EqualTo(3), "the looks while it is isolated carry no credentials");
    }

    [TestCase(false), TestCase(true)]
    public async Task UseCredentials_RightOnesAfterARefusal_AreTriedAtOnce(bool byFile)
    {
        var current = new QBittorrentCredentials { Username = "user", Password = "wrong" };
        await using var client = new ScriptedClient(configure: options =>
        {
            (options.Username, options.Password) = ("user", "wrong");
            options.Reread = () => current;
        });
        client.Log.Expect(QBittorrentEventIds.LoginRefused);
        var loggedIn = false;
        client.Server.AlwaysDo("app/webapiVersion", () => Task.FromResult(ScriptedServer.Make(loggedIn ? HttpStatusCode.OK : HttpStatusCode.Forbidden, "2.11.4"u8.ToArray())));
        client.Server.AlwaysDo("auth/login", request =>
        {
            loggedIn = request.Text.EndsWith("password=right", StringComparison.Ordinal);
            return Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, loggedIn ? "Ok."u8.ToArray() : "Fails."u8.ToArray()));
        });
        Assert.That(client.Fault(() => client.Api.GetVersionAsync(default)).Fault, Is.EqualTo(ClientFault.Unauthorized));
        List<ClientGate> told = [];
        client.Client.AvailabilityChanged += availability =>
        {
            lock (told)
            {
                told.Add(availability.Gate);
            }
        };
        var right = new QBittorrentCredentials { Username = "user", Password = "right" };
        if (byFile)
        {
            current = right;
            await client.Time.AdvanceUntilAsync(() => client.Client.Availability.AllowsCalls(client.Time.GetUtcNow()));
            Assert.That(client.Time.GetUtcNow() - new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), Is.LessThan(TimeSpan.FromMinutes(10)));
        }
        else
        {
            client.Client.UseCredentials(right);
        }

        Assert.That(await client.Api.GetVersionAsync(default).DefaultTimeout(), Is.EqualTo("v9.9.9"));

        // One thread at a time tells, maybe the one that watches the file.
        await Eventually.BecomesTrueAsync(() => Told().Length == 3);
        Assert.That(Told(), Is.EqualTo(new[] { ClientGate.Isolated, ClientGate.HalfOpen, ClientGate.Closed }));

        ClientGate[] Told()
        {
            lock (told)
            {
                return [.. told];
            }
        }
    }

    [Test]
    public async Task ClientRestarted_WhileIsolated_IsSeenWithoutASecretAndTriedAgain()
    {
        await using var client = ScriptedClient.WithLogin();
        client.Log.Expect(QBittorrentEventIds.LoginRefused);
        client.Server.Always("app/webapiVersion", HttpStatusCode.Forbidden).Always("auth/login", HttpStatusCode.OK, "Fails.");
        client.Fault(() => client.Api.GetVersionAsync(default));
        client.Server.AlwaysDo("app/webapiVersion", static () => Task.FromException<HttpResponseMessage>(new HttpRequestException(HttpRequestError.ConnectionError)));
        var asked = client.Server.Count("app/webapiVersion");
        await client.Time.AdvanceUntilAsync(() => client.Server.Count("app/webapiVersion") > asked);
        Assert.That(client.Client.Availability.AllowsCalls(client.Time.GetUtcNow()), Is.False, "nobody is there yet");
        client.Server.Always("app/webapiVersion", HttpStatusCode.Forbidden);
        await client.Time.AdvanceUntilAsync(() => client.Client.Availability.AllowsCalls(client.Time.GetUtcNow()));
        client.Fault(() => client.Api.GetVersionAsync(default));
        Assert.That(client.Server.Count("auth/login"), Is.EqualTo(2), "it forgot what it had counted");
        Assert.That(client.Time.GetUtcNow() - new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), Is.LessThan(TimeSpan.FromMinutes(9)));
    }

    [Test]
    public void Credentials_AsText_ShowNoSecret() =>
        Assert.That(
            $"{new QBittorrentCredentials { Username = "u", Password = "canary", BasicAuth = "a:canary" }} {new QBittorrentCredentials { ApiKey = "canary" }}",
            Does.Not.Contain("canary"));

    private static ScriptedClient Start(MemoryRecords records, FakeTimeProvider time, ScriptedServer server, Action<QBittorrentOptions>? configure = null)
    {
        var client = new ScriptedClient(
            configure: configure ?? (static options => (options.Username, options.Password) = ("user", Password)), records: records, time: time, server: server);
        client.Log.Expect(static entry => entry.Id.Id is QBittorrentEventIds.LoginRefused or QBittorrentEventIds.LoginBanned or QBittorrentEventIds.BasicRefused);
        return client;
    }
}
