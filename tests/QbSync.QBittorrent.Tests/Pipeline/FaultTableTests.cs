using System.Net;
using System.Security.Authentication;
using System.Text;
using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;

namespace QbSync.QBittorrent.Tests.Pipeline;

/// <summary>Each row of the table of faults, provoked by script, at an address and for a torrent whose names look like statuses.</summary>
internal sealed class FaultTableTests
{
    private static readonly ClientTorrentId Hostile = new("404503" + new string('4', 34));

    public enum Effect
    {
        Counts,
        Isolates,
        Succeeds,
    }

    private static IEnumerable<Row> Rows =>
    [
        Throws("DNS", HttpRequestError.NameResolutionError, ClientFault.Unreachable, 3, ClientFault.Unreachable, 3),
        Throws("connect", HttpRequestError.ConnectionError, ClientFault.Unreachable, 3, ClientFault.Unreachable, 3),
        Throws("no TLS", HttpRequestError.SecureConnectionError, ClientFault.Unreachable, 3, ClientFault.Unreachable, 3),
        Throws("cut", HttpRequestError.ResponseEnded, ClientFault.Unreachable, 3, ClientFault.OutcomeUnknown, 1),
        Throws("no HTTP", HttpRequestError.InvalidResponse, ClientFault.BrokenAnswer, 3, ClientFault.OutcomeUnknown, 1),
        new("no answer", static () => new TaskCompletionSource<HttpResponseMessage>().Task, ClientFault.Timeout, 3, ClientFault.OutcomeUnknown, 1, "transient", Effect.Counts),
        new("certificate", static () => Task.FromException<HttpResponseMessage>(new HttpRequestException(HttpRequestError.SecureConnectionError, null, new AuthenticationException())), ClientFault.Untrusted, 1, ClientFault.Untrusted, 1, "permanent", Effect.Isolates),
        Answers(429, ClientFault.Busy, 3, ClientFault.Busy, 3, "transient", Effect.Counts),
        Answers(503, ClientFault.Busy, 3, ClientFault.Busy, 3, "transient", Effect.Counts),
        Answers(500, ClientFault.ServerError, 3, ClientFault.OutcomeUnknown, 1, "transient", Effect.Counts),
        Answers(418, ClientFault.ServerError, 3, ClientFault.OutcomeUnknown, 1, "transient", Effect.Counts),
        Answers(302, ClientFault.Redirected, 1, ClientFault.Redirected, 1, "permanent", Effect.Isolates),
        Answers(401, ClientFault.HostRefused, 1, ClientFault.HostRefused, 1, "unauthorized", Effect.Isolates),
        Answers(403, ClientFault.Forbidden, 2, ClientFault.Forbidden, 2, "unauthorized", Effect.Isolates),
        Answers(404, ClientFault.NotFound, 1, ClientFault.NotFound, 1, "not_found", Effect.Succeeds),
        Answers(409, ClientFault.Conflict, 1, ClientFault.Conflict, 1, "conflict", Effect.Succeeds),
        Answers(400, ClientFault.Rejected, 1, ClientFault.Rejected, 1, "permanent", Effect.Succeeds),
        Answers(405, ClientFault.Rejected, 1, ClientFault.Rejected, 1, "permanent", Effect.Succeeds),
        Answers(413, ClientFault.Rejected, 1, ClientFault.Rejected, 1, "permanent", Effect.Succeeds),
        Answers(415, ClientFault.Rejected, 1, ClientFault.Rejected, 1, "permanent", Effect.Succeeds),
        Body("no JSON", "404 Forbidden Fails."),
        Body("another root", """{"404":503}"""),
        Body("cut JSON", """[{"name":"404"""),
        Body("over the limit", '[' + new string(' ', 1 << 20) + ']'),
    ];

    [TestCaseSource(nameof(Rows)), ClientCase(48)]
    [MetricCase("A30")]
    public async Task Fault_OfARow_HasItsKindAttemptsAndEffect(Row row)
    {
        await using (var client = Make(threshold: 100, attempts: 3))
        {
            client.Server.AlwaysDo("torrents/files", row.Answer);
            var fault = client.Fault(() => client.Api.GetFilesInformationAsync(Hostile, default));
            Assert.That((fault.Fault, client.Server.Count("torrents/files")), Is.EqualTo((row.Fault, row.Attempts)), fault.Message);
            Assert.That(client.Metric("qbsync_qb_api_errors_total", row.Kind), Is.EqualTo(1));
            Assert.That(client.Metric("qbsync_qb_client_retries_total"), Is.EqualTo(row.Attempts == 3 ? 2 : 0), "what is sent anew after a login is no retry");
            Assert.That(client.Metric("qbsync_qb_api_calls_total", "GetFilesInformation"), Is.EqualTo(1));
            Assert.That(client.Metric("qbsync_qb_api_call_duration_seconds_count", "GetFilesInformation"), Is.EqualTo(1));
        }

        if (!row.IsBody)
        {
            await using var changing = Make(threshold: 100, attempts: 3);
            changing.Server.AlwaysDo("torrents/renameFile", row.Answer);
            var fault = changing.Fault(() => changing.Api.RenameFileAsync(Hostile, "404", "503", default));
            Assert.That((fault.Fault, changing.Server.Count("torrents/renameFile")), Is.EqualTo((row.LookFault, row.LookAttempts)), fault.Message);
        }
    }

    [TestCaseSource(nameof(Rows)), ClientCase(48)]
    [MetricCase("G06")]
    public async Task Fault_OfARow_MovesTheBreakerAsItSays(Row row)
    {
        await using var client = Make(threshold: 2, attempts: 1);
        await client.Client.DescribeAsync(false, default);
        client.Server.Always("torrents/categories", HttpStatusCode.InternalServerError);
        client.Fault(() => client.Api.GetCategoriesAsync(default));
        client.Server.AlwaysDo("torrents/files", row.Answer);
        client.Fault(() => client.Api.GetFilesInformationAsync(Hostile, default));
        var (state, trips) = (client.Metric("qbsync_circuit_breaker_state"), client.Metric("qbsync_circuit_breaker_trips_total"));
        Assert.That((state, trips), Is.EqualTo(row.Effect switch
        {
            Effect.Counts => (1d, 1d),
            Effect.Isolates => (1d, 0d),
            Effect.Succeeds => (0d, 0d),
        }));
        if (row.Effect == Effect.Succeeds)
        {
            client.Fault(() => client.Api.GetCategoriesAsync(default));
            Assert.That(client.Metric("qbsync_circuit_breaker_state"), Is.Zero, "it began to count anew");
            client.Fault(() => client.Api.GetCategoriesAsync(default));
            Assert.That(client.Metric("qbsync_circuit_breaker_state"), Is.EqualTo(1));
        }
        else
        {
            var refused = client.Fault(() => client.Api.GetCategoriesAsync(default));
            Assert.That(refused.Fault, Is.EqualTo(ClientFault.BreakerOpen));
            Assert.That(client.Metric("qbsync_qb_api_errors_total", "breaker_open"), Is.EqualTo(1));
        }
    }

    [Test, ClientCase(48)]
    public async Task Unsupported_Unsent_IsNeutral()
    {
        await using var client = Make(threshold: 2, attempts: 1, version: "2.5.1");
        await client.Client.DescribeAsync(false, default);
        client.Server.Always("torrents/categories", HttpStatusCode.InternalServerError);
        client.Fault(() => client.Api.GetCategoriesAsync(default));
        var sent = client.Server.Requests.Count;
        Assert.That(client.Fault(() => client.Api.ExportTorrentAsync(Hostile, default)).Fault, Is.EqualTo(ClientFault.Unsupported));
        Assert.That(client.Server.Requests, Has.Count.EqualTo(sent));
        client.Fault(() => client.Api.GetCategoriesAsync(default));
        Assert.That(client.Metric("qbsync_circuit_breaker_trips_total"), Is.EqualTo(1), "two failures in a row, with nothing sent between");
    }

    private static ScriptedClient Make(int threshold, int attempts, string version = "2.11.4") => new(version, options =>
    {
        options.Url = new Uri("http://404.forbidden.503.test:50300/503/");
        (options.BreakerThreshold, options.Attempts, options.Timeout, options.MaxAnswerBytes) = (threshold, attempts, TimeSpan.FromSeconds(1), 1 << 20);
    });

    private static Row Throws(string name, HttpRequestError error, ClientFault fault, int attempts, ClientFault look, int lookAttempts) => new(
        name, () => Task.FromException<HttpResponseMessage>(new HttpRequestException(error, "404 503")), fault, attempts, look, lookAttempts, "transient", Effect.Counts);

    private static Row Answers(int status, ClientFault fault, int attempts, ClientFault look, int lookAttempts, string kind, Effect effect) => new(
        $"{status}", () => Task.FromResult(ScriptedServer.Make((HttpStatusCode)status, "404 503 Fails. Ok."u8.ToArray())), fault, attempts, look, lookAttempts, kind, effect);

    private static Row Body(string name, string body) => new(
        name, () => Task.FromResult(ScriptedServer.Make(HttpStatusCode.OK, Encoding.UTF8.GetBytes(body))), ClientFault.BrokenAnswer, 3, default, 0, "transient", Effect.Counts)
    {
        IsBody = true,
    };

    public sealed record Row(
        string Name, Func<Task<HttpResponseMessage>> Answer, ClientFault Fault, int Attempts, ClientFault LookFault, int LookAttempts, string Kind, Effect Effect)
    {
        public bool IsBody { get; init; }

        public override string ToString() => Name;
    }
}
