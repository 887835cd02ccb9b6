using System.Net;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using static QbSync.QBittorrent.Tests.Scripted.ScriptedClient;

namespace QbSync.QBittorrent.Tests.Pipeline;

internal sealed class ResilienceTests
{
    private const string Retries = "qbsync_qb_client_retries_total", Calls = "qbsync_qb_api_calls_total", Trips = "qbsync_circuit_breaker_trips_total",
        State = "qbsync_circuit_breaker_state";

    // Status, fault of a verb that may be repeated, attempts, fault of one that may not, attempts, metric's kind.
    private static readonly object[] ByStatus =
    [
        new object[] { 400, ClientFault.Rejected, 1, ClientFault.Rejected, 1, "permanent" },
        new object[] { 405, ClientFault.Rejected, 1, ClientFault.Rejected, 1, "permanent" },
        new object[] { 413, ClientFault.Rejected, 1, ClientFault.Rejected, 1, "permanent" },
        new object[] { 415, ClientFault.Rejected, 1, ClientFault.Rejected, 1, "permanent" },
        new object[] { 404, ClientFault.NotFound, 1, ClientFault.NotFound, 1, "not_found" },
        new object[] { 409, ClientFault.Conflict, 1, ClientFault.Conflict, 1, "conflict" },
        new object[] { 429, ClientFault.Busy, 3, ClientFault.Busy, 3, "transient" },
        new object[] { 503, ClientFault.Busy, 3, ClientFault.Busy, 3, "transient" },
        new object[] { 500, ClientFault.ServerError, 3, ClientFault.OutcomeUnknown, 1, "transient" },
        new object[] { 502, ClientFault.ServerError, 3, ClientFault.OutcomeUnknown, 1, "transient" },
        new object[] { 418, ClientFault.ServerError, 3, ClientFault.OutcomeUnknown, 1, "transient" },
        new object[] { 302, ClientFault.Redirected, 1, ClientFault.Redirected, 1, "permanent" },
        new object[] { 401, ClientFault.HostRefused, 1, ClientFault.HostRefused, 1, "unauthorized" },
    ];

    [TestCaseSource(nameof(ByStatus)), ClientCase(48)]
    public async Task Status_OfACall_DecidesFaultAttemptsAndKind(int status, ClientFault repeatable, int attempts, ClientFault other, int otherAttempts, string kind)
    {
        await using (var client = new ScriptedClient())
        {
            client.Server.Always("torrents/files", (HttpStatusCode)status, "404 503 Fails. Forbidden");
            Assert.That(client.Fault(() => client.Api.GetFilesInformationAsync(Id, default)).Fault, Is.EqualTo(repeatable));
            Assert.That(client.Server.Count("torrents/files"), Is.EqualTo(attempts));
            Assert.That(client.Metric("qbsync_qb_api_errors_total", kind), Is.EqualTo(1));
            Assert.That(client.Metric(Retries), Is.EqualTo(attempts - 1));
            Assert.That(client.Metric(Calls, "GetFilesInformation"), Is.EqualTo(1));
            Assert.That(client.Metric("qbsync_qb_api_call_duration_seconds_count", "GetFilesInformation"), Is.EqualTo(1));
        }

        await using var changing = new ScriptedClient();
        changing.Server.Always("torrents/renameFile", (HttpStatusCode)status);
        Assert.That(changing.Fault(() => changing.Api.RenameFileAsync(Id, "a", "b", default)).Fault, Is.EqualTo(other));
        Assert.That(changing.Server.Count("torrents/renameFile"), Is.EqualTo(otherAttempts));
    }

    [TestCase(HttpRequestError.ConnectionError, ClientFault.Unreachable, 3, ClientFault.Unreachable, 3)]
    [TestCase(HttpRequestError.NameResolutionError, ClientFault.Unreachable, 3, ClientFault.Unreachable, 3)]
    [TestCase(HttpRequestError.ResponseEnded, ClientFault.Unreachable, 3, ClientFault.OutcomeUnknown, 1)]
    [TestCase(HttpRequestError.InvalidResponse, ClientFault.BrokenAnswer, 3, ClientFault.OutcomeUnknown, 1)]
    [ClientCase(48)]
    public async Task Connection_Broken_IsRepeatedOnlyWhereThatIsSafe(
        HttpRequestError error, ClientFault repeatable, int attempts, ClientFault other, int otherAttempts)
    {
        await using var client = new ScriptedClient(configure: static options => options.BreakerThreshold = 100);
        client.Server.AlwaysDo("torrents/info", () => Task.FromException<HttpResponseMessage>(new HttpRequestException(error, "hash 404 at port 503")));
        client.Server.AlwaysDo("torrents/recheck", () => Task.FromException<HttpResponseMessage>(new HttpRequestException(error)));
        Assert.That(client.Fault(() => client.Api.GetTorrentsAsync(null, default)).Fault, Is.EqualTo(repeatable));
        Assert.That(client.Fault(() => client.Api.RecheckAsync([Id], default)).Fault, Is.EqualTo(other));
        Assert.That(client.Server.Count("torrents/info"), Is.EqualTo(attempts));
        Assert.That(client.Server.Count("torrents/recheck"), Is.EqualTo(otherAttempts));
    }

    [Test]
    public async Task Call_NoAnswer_IsTimeoutAfterEachAttemptsTime()
    {
        await using var client = new ScriptedClient(configure: static options => (options.Attempts, options.Timeout) = (1, TimeSpan.FromSeconds(5)));
        client.Server.AlwaysDo("torrents/files", static () => new TaskCompletionSource<HttpResponseMessage>().Task);
        var begun = client.Time.GetUtcNow();
        Assert.That(client.Fault(() => client.Api.GetFilesInformationAsync(Id, default)).Fault, Is.EqualTo(ClientFault.Timeout));
        Assert.That(client.Time.GetUtcNow() - begun, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(5)));
    }

    [Test]
    public async Task Busy_WithRetryAfter_WaitsThatLong()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("torrents/categories", HttpStatusCode.ServiceUnavailable, "", ("Retry-After", "5")).Answer("torrents/categories", "{}");
        await client.Client.DescribeAsync(false, default);
        var begun = client.Time.GetUtcNow();
        await client.RunAsync(() => client.Api.GetCategoriesAsync(default));
        Assert.That(client.Time.GetUtcNow() - begun, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(5)));
    }

    [Test]
    [MetricCase("C13")]
    [MetricCase("H06"), MetricCase("L8")]
    public async Task Retry_503Twice_IsOneCallTwoRetriesOneObservation()
    {
        await using var client = new ScriptedClient();
        client.Server.Answer("torrents/categories", HttpStatusCode.ServiceUnavailable).Answer("torrents/categories", HttpStatusCode.ServiceUnavailable).Answer("torrents/categories", "{}");
        await client.RunAsync(() => client.Api.GetCategoriesAsync(default));
        Assert.That((client.Metric(Retries), client.Metric(Calls, "GetCategories")), Is.EqualTo((2d, 1d)));
        Assert.That(client.Metric("qbsync_qb_api_call_duration_seconds_count", "GetCategories"), Is.EqualTo(1));
        Assert.That(client.Metric("qbsync_qb_api_call_duration_seconds_bucket", "GetCategories", "0.5"), Is.Zero);
    }

    [TestCase("source"), TestCase("destination"), ClientCase(49)]
    [MetricCase("C15"), MetricCase("G06")]
    public async Task Breaker_FailuresInARow_OpensProbesAndCloses(string mode)
    {
        await using var client = new ScriptedClient(configure: static options => options.Attempts = 1, mode: mode);
        await client.Client.DescribeAsync(false, default);
        client.Server.Always("torrents/categories", HttpStatusCode.InternalServerError);
        void Fails(ClientFault fault) => Assert.That(client.Fault(() => client.Api.GetCategoriesAsync(default)).Fault, Is.EqualTo(fault));
        Fail(4);
        client.Server.Answer("torrents/categories", "{}");
        await client.Api.GetCategoriesAsync(default);
        Fail(4);
        Assert.That(client.Metric(State), Is.Zero);
        Fails(ClientFault.ServerError);
        Assert.That((client.Metric(State), client.Metric(Trips)), Is.EqualTo((1d, 1d)));
        Assert.That(client.Client.Availability.AllowsCalls(client.Time.GetUtcNow()), Is.False);
        var sent = client.Server.Requests.Count;
        Fails(ClientFault.BreakerOpen);
        Assert.That(client.Server.Requests, Has.Count.EqualTo(sent), "an open breaker sends nothing");

        client.Time.Advance(TimeSpan.FromSeconds(1.3));
        Assert.That(client.Client.Availability.AllowsCalls(client.Time.GetUtcNow()), Is.True);
        Fails(ClientFault.ServerError);
        Assert.That((client.Metric(State), client.Metric(Trips)), Is.EqualTo((1d, 2d)));

        client.Time.Advance(TimeSpan.FromSeconds(2.5));
        var held = new TaskCompletionSource<HttpResponseMessage>();
        client.Server.Do("torrents/categories", () => held.Task);
        var probe = client.Api.GetCategoriesAsync(default);
        Assert.That(client.Metric(State), Is.EqualTo(2));
        Fails(ClientFault.BreakerOpen);
        held.SetResult(ScriptedServer.Make(HttpStatusCode.OK, "{}"u8.ToArray()));
        await probe.DefaultTimeout();
        Assert.That((client.Metric(State), client.Metric(Trips)), Is.EqualTo((0d, 2d)));

        void Fail(int times)
        {
            for (var i = 0; i < times; i++)
            {
                Fails(ClientFault.ServerError);
            }
        }
    }

    [Test, ClientCase(49)]
    public async Task Breaker_Breaks_AreOneTwoFourFourSeconds()
    {
        await using var client = new ScriptedClient(configure: static options => options.Attempts = 1);
        await client.Client.DescribeAsync(false, default);
        client.Server.Always("torrents/categories", HttpStatusCode.InternalServerError);
        for (var i = 0; i < 5; i++)
        {
            client.Fault(() => client.Api.GetCategoriesAsync(default));
        }

        foreach (var seconds in new[] { 1, 2, 4, 4 })
        {
            client.Time.Advance(TimeSpan.FromSeconds(seconds * 0.5));
            Assert.That(client.Fault(() => client.Api.GetCategoriesAsync(default)).Fault, Is.EqualTo(ClientFault.BreakerOpen));
            client.Time.Advance(TimeSpan.FromSeconds(seconds * 0.75));
            Assert.That(client.Fault(() => client.Api.GetCategoriesAsync(default)).Fault, Is.EqualTo(ClientFault.ServerError));
        }
    }

    [Test]
    public async Task Cancellation_OfTheProbe_IsNeutral()
    {
        await using var client = new ScriptedClient(configure: static options => (options.Attempts, options.BreakerThreshold) = (1, 1));
        await client.Client.DescribeAsync(false, default);
        client.Server.Answer("torrents/categories", HttpStatusCode.InternalServerError);
        client.Fault(() => client.Api.GetCategoriesAsync(default));
        client.Time.Advance(TimeSpan.FromSeconds(2));
        client.Server.Do("torrents/categories", static () => new TaskCompletionSource<HttpResponseMessage>().Task).Answer("torrents/categories", "{}");
        using var caller = new CancellationTokenSource();
        var probe = client.Api.GetCategoriesAsync(caller.Token);
        await caller.CancelAsync();
        Assert.That(async () => await probe, Throws.InstanceOf<OperationCanceledException>());
        await client.Api.GetCategoriesAsync(default).DefaultTimeout();
        Assert.That((client.Metric(State), client.Metric(Trips)), Is.EqualTo((0d, 1d)));
    }
}
