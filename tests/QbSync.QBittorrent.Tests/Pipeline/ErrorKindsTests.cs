using System.Net;
using QbSync.Ports;
using QbSync.QBittorrent.Pipeline;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Pipeline;

/// <summary>Calls that fail, of a torrent whose hash looks like a status: one each, however often it was sent, of its kind and of no other.</summary>
internal sealed class ErrorKindsTests
{
    private static readonly ClientTorrentId Hostile = new("404403409" + new string('4', 31));

    [Test, Combinatorial]
    [MetricCase("A30")]
    public async Task Call_ThatFails_MovesItsKindAlone([ValueSource(typeof(FaultKinds), nameof(FaultKinds.All))] string kind, [Values("source", "destination")] string mode)
    {
        await using var client = new ScriptedClient(
            configure: options => (options.Username, options.Password, options.BreakerThreshold) = ("user", "p", kind == "breaker_open" ? 1 : 100), mode: mode);
        await client.Client.DescribeAsync(false, default);
        Dictionary<string, double> expected = new() { [kind] = 1 };
        switch (kind)
        {
            case "unauthorized":
                client.Server.Always("torrents/files", HttpStatusCode.Forbidden).Always("app/webapiVersion", HttpStatusCode.Forbidden).Always("auth/login", HttpStatusCode.OK, "Fails.");
                client.Log.Expect(QBittorrentEventIds.LoginRefused);
                break;
            case "banned":
                client.Server.Always("torrents/files", HttpStatusCode.Forbidden).Always("app/webapiVersion", HttpStatusCode.Forbidden).Always("auth/login", HttpStatusCode.Forbidden, "banned");
                client.Log.Expect(QBittorrentEventIds.LoginBanned);
                break;
            case "not_found":
                client.Server.Always("torrents/files", HttpStatusCode.NotFound);
                break;
            case "conflict":
                client.Server.Always("torrents/files", HttpStatusCode.Conflict);
                break;
            case "permanent":
                client.Server.Always("torrents/files", HttpStatusCode.BadRequest);
                break;
            case "transient":
                client.Server.AlwaysDo("torrents/files", static () => Task.FromException<HttpResponseMessage>(new HttpRequestException(HttpRequestError.ConnectionError, "404 403 409")));
                break;
            case "breaker_open":
                client.Server.Always("torrents/files", HttpStatusCode.InternalServerError);
                Assert.That(client.Fault(() => client.Api.GetFilesInformationAsync(Hostile, default)).Fault, Is.EqualTo(ClientFault.ServerError));
                expected["transient"] = 1;
                break;
        }

        var fault = client.Fault(() => client.Api.GetFilesInformationAsync(Hostile, default));
        Assert.That(FaultKinds.Of(fault.Fault), Is.EqualTo(kind), fault.Message);
        Assert.That(Errors(client, mode), Is.EqualTo(expected));
    }

    /// <summary>What a repeat mended, what its caller gave up, and what a dry run does not send.</summary>
    [TestCase("repeated"), TestCase("cancelled"), TestCase("dry run")]
    [MetricCase("A30")]
    public async Task Call_ThatDidNotFail_IsNoError(string how)
    {
        await using var client = new ScriptedClient(configure: options => options.ReadOnly = how == "dry run");
        EveryMethod.Answer(client.Server);
        await client.Client.DescribeAsync(false, default);
        switch (how)
        {
            case "repeated":
                client.Server.Answer("torrents/categories", HttpStatusCode.ServiceUnavailable);
                await client.RunAsync(() => client.Api.GetCategoriesAsync(default));
                Assert.That(client.Metric("qbsync_qb_client_retries_total"), Is.EqualTo(1));
                break;
            case "cancelled":
                var held = new TaskCompletionSource<HttpResponseMessage>();
                client.Server.Do("torrents/categories", () => held.Task);
                using (var caller = new CancellationTokenSource())
                {
                    var call = client.Api.GetCategoriesAsync(caller.Token);
                    await caller.CancelAsync();
                    Assert.That(async () => await call.DefaultTimeout(), Throws.InstanceOf<OperationCanceledException>());
                }

                held.SetResult(ScriptedServer.Make(HttpStatusCode.OK, "{}"u8.ToArray()));
                break;
            case "dry run":
                Assert.That(client.Fault(() => client.Api.CreateCategoryAsync("404", default)).Fault, Is.EqualTo(ClientFault.DryRun));
                break;
        }

        Assert.That(Errors(client, "source"), Is.Empty);
    }

    /// <summary>The kinds that moved, and by how much; all are there from the beginning.</summary>
    private static Dictionary<string, double> Errors(ScriptedClient client, string mode)
    {
        var all = FaultKinds.All.ToDictionary(static kind => kind, kind => client.Metric("qbsync_qb_api_errors_total", mode, kind));
        Assert.That(all.Values, Has.None.NaN);
        return all.Where(static pair => pair.Value != 0).ToDictionary();
    }
}
