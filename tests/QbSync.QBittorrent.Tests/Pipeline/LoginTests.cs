using System.Net;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Pipeline;

internal sealed class LoginTests
{
    [TestCase(HttpStatusCode.OK, "Ok.")]
    [TestCase(HttpStatusCode.NoContent, "")]
    public async Task FirstCall_LoginWanted_LogsInAndProbesInSixCalls(HttpStatusCode status, string body)
    {
        await using var client = ScriptedClient.WithLogin();
        client.Server.Answer("app/webapiVersion", HttpStatusCode.Forbidden).Answer("auth/login", status, body);
        var description = await client.Client.DescribeAsync(false, default);

        Assert.That(client.Server.Requests.Take(6).Select(static request => request.Path), Is.EqualTo(new[]
        {
            "app/webapiVersion", "auth/login", "app/webapiVersion", "app/version", "app/buildInfo", "app/preferences",
        }));
        Assert.That((description.Product, description.DefaultSavePath, description.TempPath, description.Epoch), Is.EqualTo(("qBittorrent 9.9.9", "/downloads", (string?)null, 1)));
    }

    [Test]
    public async Task FirstCall_NoLoginWanted_SendsNone()
    {
        await using var client = ScriptedClient.WithLogin();
        await client.Client.DescribeAsync(false, default);
        Assert.That(client.Server.Count("auth/login"), Is.Zero);
    }

    [TestCase(HttpStatusCode.OK, "Fails.", ClientFault.Unauthorized, 10)]
    [TestCase(HttpStatusCode.Unauthorized, "", ClientFault.Unauthorized, 10)]
    [TestCase(HttpStatusCode.Forbidden, "Your IP address has been banned", ClientFault.Banned, 65)]
    [ClientCase(49)]
    public async Task Login_Refused_IsolatesUntilTheLedgerAllowsTheNext(HttpStatusCode status, string body, ClientFault expected, int minutes)
    {
        await using var client = ScriptedClient.WithLogin();
        client.Log.Expect(static entry => entry.Id.Id is QBittorrentEventIds.LoginRefused or QBittorrentEventIds.LoginBanned);
        client.Server.Always("app/webapiVersion", HttpStatusCode.Forbidden).Always("auth/login", status, body);
        var fault = client.Fault(() => client.Api.GetVersionAsync(default));

        Assert.That((fault.Fault, fault.RetryAfter), Is.EqualTo((expected, TimeSpan.FromMinutes(minutes))));
        Assert.That(client.Client.Availability.AllowsCalls(client.Time.GetUtcNow()), Is.False);
        Assert.That(client.Metric("qbsync_circuit_breaker_state"), Is.EqualTo(1));
        Assert.That(client.Metric("qbsync_circuit_breaker_trips_total"), Is.Zero);
        Assert.That(client.Metric("qbsync_qb_client_retries_total"), Is.Zero);
    }

    [Test]
    public async Task WrongPassword_ForADayOfCalls_IsTriedThreeTimes()
    {
        await using var client = ScriptedClient.WithLogin();
        client.Log.Expect(QBittorrentEventIds.LoginRefused);
        client.Server.Always("app/webapiVersion", HttpStatusCode.Forbidden).Always("auth/login", HttpStatusCode.OK, "Fails.");
        List<int> triesByMinute = [];
        for (var minute = 0; minute < 24 * 60; minute++)
        {
            var before = client.Server.Count("auth/login");
            Assert.That(async () => await client.Api.GetVersionAsync(default), Throws.TypeOf<TorrentClientException>());
            if (client.Server.Count("auth/login") > before)
            {
                triesByMinute.Add(minute);
            }

            client.Time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.That(triesByMinute, Is.EqualTo(new[] { 0, 10, 70 }));
    }

    [Test]
    public async Task Login_AcceptedAfterARefusal_ClearsTheLedgerAndTheBreaker()
    {
        await using var client = ScriptedClient.WithLogin();
        client.Log.Expect(QBittorrentEventIds.LoginRefused);
        client.Server.Answer("app/webapiVersion", HttpStatusCode.Forbidden).Answer("app/webapiVersion", HttpStatusCode.Forbidden);
        client.Server.Answer("auth/login", "Fails.").Answer("auth/login", "Ok.");
        Assert.That(client.Fault(() => client.Api.GetVersionAsync(default)).Fault, Is.EqualTo(ClientFault.Unauthorized));
        client.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.That(client.Client.Availability.AllowsCalls(client.Time.GetUtcNow()), Is.True);

        Assert.That(await client.Api.GetVersionAsync(default), Is.EqualTo("v9.9.9"));
        Assert.That(client.Client.Availability.Gate, Is.EqualTo(ClientGate.Closed));
        Assert.That(client.Metric("qbsync_circuit_breaker_state"), Is.Zero);
    }

    [Test, ClientCase(3)]
    [MetricCase("C13")]
    public async Task Login_ExpiredUnderParallelCalls_IsDoneOnceAndEachCallSentAgain()
    {
        await using var client = new ScriptedClient(configure: static options => (options.Username, options.Password, options.LightSlots) = ("user", "p", 32));
        await client.Client.DescribeAsync(false, default);
        var loggedIn = false;
        var refused = 0;
        var allRefused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        client.Server.AlwaysDo("app/webapiVersion", () => Task.FromResult(ScriptedServer.Make(loggedIn ? HttpStatusCode.OK : HttpStatusCode.Forbidden, "2.11.4"u8.ToArray())));
        client.Server.AlwaysDo("torrents/categories", async () =>
        {
            if (loggedIn)
            {
                return ScriptedServer.Make(HttpStatusCode.OK, "{}"u8.ToArray());
            }

            if (Interlocked.Increment(ref refused) == 32)
            {
                allRefused.SetResult();
            }

            await allRefused.Task;
            return ScriptedServer.Make(HttpStatusCode.Forbidden, []);
        });
        client.Server.AlwaysDo("auth/login", () =>
        {
            loggedIn = true;
            return Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, "Ok."u8.ToArray()));
        });
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => client.Api.GetCategoriesAsync(default))).DefaultTimeout();

        Assert.That(client.Server.Count("auth/login"), Is.EqualTo(1));
        Assert.That(client.Server.Count("torrents/categories"), Is.EqualTo(64), "each once more");
        Assert.That(client.Metric("qbsync_qb_api_calls_total", "GetCategories"), Is.EqualTo(32));
        Assert.That(client.Metric("qbsync_qb_api_calls_total", "Login"), Is.EqualTo(1));
        Assert.That(client.Metric("qbsync_qb_client_retries_total"), Is.Zero);
        Assert.That((await client.Client.DescribeAsync(false, default)).Epoch, Is.EqualTo(1), "the same client");
    }

    [Test, ClientCase(3)]
    public async Task Login_CookiesStripped_IsForbiddenWithoutALoop()
    {
        await using var client = ScriptedClient.WithLogin();
        client.Server.Always("app/webapiVersion", HttpStatusCode.Forbidden).Always("auth/login", HttpStatusCode.OK, "Ok.");
        var fault = client.Fault(() => client.Api.GetVersionAsync(default));

        Assert.That((fault.Fault, fault.RetryAfter), Is.EqualTo((ClientFault.Forbidden, TimeSpan.FromMinutes(1))));
        Assert.That(client.Server.Count("auth/login"), Is.EqualTo(1));
    }

    [TestCase(HttpStatusCode.OK, "<html>", ClientFault.NotAWebApi)]
    [TestCase(HttpStatusCode.NotFound, "", ClientFault.NotAWebApi)]
    [TestCase(HttpStatusCode.Found, "", ClientFault.Redirected)]
    [TestCase(HttpStatusCode.Unauthorized, "", ClientFault.HostRefused)]
    public async Task Probe_AnsweredBySomethingElse_IsolatesForFiveMinutes(HttpStatusCode status, string body, ClientFault expected)
    {
        await using var client = ScriptedClient.WithLogin();
        client.Server.Answer("app/webapiVersion", status, body, ("Location", "https://elsewhere.test/"));
        var fault = client.Fault(() => client.Api.GetVersionAsync(default));

        Assert.That((fault.Fault, fault.RetryAfter), Is.EqualTo((expected, TimeSpan.FromMinutes(5))));
        Assert.That(fault.Message, Does.Contain("qb.test"));
        Assert.That(client.Fault(() => client.Api.GetVersionAsync(default)).Fault, Is.EqualTo(ClientFault.BreakerOpen));
        client.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.That(await client.Api.GetVersionAsync(default), Is.EqualTo("v9.9.9"));
    }

    [Test]
    public async Task Version_BelowTheFloor_IsUnsupportedNamingBoth()
    {
        await using var client = new ScriptedClient("2.2.1");
        var fault = client.Fault(() => client.Api.GetVersionAsync(default));
        Assert.That(fault.Fault, Is.EqualTo(ClientFault.Unsupported));
        Assert.That(fault.Message, Does.Contain("2.2.1").And.Contain("2.3.0"));
    }

    [Test]
    public async Task Version_NewerThanMeasured_WarnsOnceAndWorks()
    {
        await using var client = new ScriptedClient("9.0");
        await client.Client.DescribeAsync(true, default);
        await client.Client.DescribeAsync(true, default);
        Assert.That(client.Log.Entries.Count(static entry => entry.Id.Id == QBittorrentEventIds.NewerThanMeasured), Is.EqualTo(1));
    }

    [Test]
    public async Task Epoch_VersionChangedOrNobodyListened_Rises()
    {
        await using var client = new ScriptedClient();
        Assert.That((await client.Client.DescribeAsync(false, default)).Epoch, Is.EqualTo(1));
        Assert.That((await client.Client.DescribeAsync(true, default)).Epoch, Is.EqualTo(1));
        client.Server.Always("app/version", HttpStatusCode.OK, "v10.0.0");
        Assert.That((await client.Client.DescribeAsync(true, default)).Epoch, Is.EqualTo(2));
        client.Server.Throw("torrents/categories", new HttpRequestException(HttpRequestError.ConnectionError)).Always("torrents/categories", HttpStatusCode.OK, "{}");
        await client.RunAsync(() => client.Api.GetCategoriesAsync(default));
        Assert.That((await client.Client.DescribeAsync(false, default)).Epoch, Is.EqualTo(3));
    }
}
