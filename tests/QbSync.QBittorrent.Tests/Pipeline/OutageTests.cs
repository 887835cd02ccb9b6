using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Pipeline;

internal sealed class OutageTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    [Test, ClientCase(50)]
    public async Task Client_DownForTenMinutes_IsAskedRarelyAndFoundWithinFiveSeconds()
    {
        await using var client = new ScriptedClient();
        EveryMethod.Answer(client.Server);
        await client.Client.PollAsync([], default).AsTask().DefaultTimeout();
        var (isDown, connects) = (true, 0);
        Task<HttpResponseMessage> Answer(string body)
        {
            connects += isDown ? 1 : 0;
            return isDown
                ? Task.FromException<HttpResponseMessage>(new HttpRequestException(HttpRequestError.ConnectionError))
                : Task.FromResult(ScriptedServer.Make(System.Net.HttpStatusCode.OK, System.Text.Encoding.UTF8.GetBytes(body)));
        }

        client.Server.AlwaysDo("sync/maindata", () => Answer("""{"rid":1,"full_update":true}"""));
        client.Server.AlwaysDo("app/webapiVersion", () => Answer("2.11.4"));
        var begun = client.Time.GetUtcNow();
        Assert.That(client.Fault(() => client.Client.PollAsync([], default).AsTask()).IsTransient, Is.True);
        for (var now = begun; now < begun.AddMinutes(10); now = client.Time.GetUtcNow())
        {
            // As the engines do, each half second; no call waits, since an open breaker ends its retries.
            for (var step = 0; step < 5; step++)
            {
                client.Time.Advance(Step);
            }

            var fault = Assert.CatchAsync<TorrentClientException>(() => CallAsync())!;
            Assert.That(fault.IsTransient, Is.True, "what waits for it waits, and nothing counts as failed");
        }

        Assert.That(connects, Is.LessThanOrEqualTo(600 / 3 + 5));
        isDown = false;
        var back = client.Time.GetUtcNow();
        await Eventually.BecomesTrueAsync(async () =>
        {
            client.Time.Advance(Step);
            try
            {
                await CallAsync();
                return true;
            }
            catch (TorrentClientException)
            {
                return false;
            }
        });
        Assert.That(client.Time.GetUtcNow() - back, Is.LessThanOrEqualTo(TimeSpan.FromSeconds(5)));
        Assert.That((await client.Client.DescribeAsync(false, default)).Epoch, Is.EqualTo(2), "nobody listened meanwhile, so it may be another client");
        Assert.That(client.Client.Availability, Is.EqualTo(ClientAvailability.Available));

        // The first failures have their pauses; those are in virtual time, too.
        Task CallAsync() => client.Client.Availability.Gate == ClientGate.Closed
            ? client.RunAsync(() => client.Client.PollAsync([], default).AsTask())
            : client.Client.PollAsync([], default).AsTask().DefaultTimeout();
    }

    [Test, ClientCase(49)]
    public async Task Breaker_StragglersOfTheTimeBefore_NeitherTripNorCloseIt()
    {
        await using var client = new ScriptedClient(configure: static options => (options.Attempts, options.BreakerThreshold, options.LightSlots) = (1, 1, 8));
        EveryMethod.Answer(client.Server);
        await client.Client.DescribeAsync(false, default);
        List<TaskCompletionSource<HttpResponseMessage>> held = [new(), new(), new()];
        foreach (var answer in held)
        {
            client.Server.Do("torrents/categories", () => answer.Task);
        }

        var early = held.ConvertAll(_ => client.Api.GetCategoriesAsync(default));
        client.Server.Answer("torrents/files", System.Net.HttpStatusCode.InternalServerError);
        client.Fault(() => client.Api.GetFilesInformationAsync(ScriptedClient.Id, default));
        held[0].SetResult(ScriptedServer.Make(System.Net.HttpStatusCode.OK, "{}"u8.ToArray()));
        await early[0].DefaultTimeout();
        Assert.That(client.Client.Availability.Gate, Is.EqualTo(ClientGate.Open));

        client.Time.Advance(TimeSpan.FromSeconds(2));
        var probed = new TaskCompletionSource<HttpResponseMessage>();
        client.Server.Do("torrents/files", () => probed.Task);
        var probe = client.Api.GetFilesInformationAsync(ScriptedClient.Id, default);
        held[1].SetResult(ScriptedServer.Make(System.Net.HttpStatusCode.InternalServerError, []));
        Assert.That(async () => await early[1].DefaultTimeout(), Throws.TypeOf<TorrentClientException>());
        held[2].SetException(new OperationCanceledException());
        Assert.That(async () => await early[2].DefaultTimeout(), Throws.TypeOf<TorrentClientException>());
        Assert.That(client.Client.Availability.Gate, Is.EqualTo(ClientGate.HalfOpen));
        Assert.That(client.Metric("qbsync_circuit_breaker_trips_total"), Is.EqualTo(1));
        probed.SetResult(ScriptedServer.Make(System.Net.HttpStatusCode.OK, "[]"u8.ToArray()));
        await probe.DefaultTimeout();
        Assert.That(client.Client.Availability.Gate, Is.EqualTo(ClientGate.Closed));
    }
}
