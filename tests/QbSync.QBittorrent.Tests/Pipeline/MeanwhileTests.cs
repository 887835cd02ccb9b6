using System.Net;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Pipeline;

/// <summary>What changes while a call is under way: its answer is of the time before.</summary>
internal sealed class MeanwhileTests
{
    [Test]
    public async Task Session_DoubtedWhileItOpens_IsAskedAnewBeforeAnybodyUsesIt()
    {
        await using var client = new ScriptedClient();
        var held = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.Server.Do("app/preferences", () => held.Task);
        var describing = client.Client.DescribeAsync(refresh: false, default).AsTask();
        await Eventually.BecomesTrueAsync(() => client.Server.Count("app/preferences") == 1);

        // A folder was changed at the client after it was asked, and somebody wants to know.
        var refreshed = client.Client.DescribeAsync(refresh: true, default).AsTask();
        client.Server.Always("app/preferences", HttpStatusCode.OK, """{"save_path":"/new"}""");
        held.SetResult(ScriptedServer.Make(HttpStatusCode.OK, """{"save_path":"/old"}"""u8.ToArray()));

        Assert.That((await refreshed.DefaultTimeout()).DefaultSavePath, Is.EqualTo("/new"));
        Assert.That((await describing.DefaultTimeout()).DefaultSavePath, Is.EqualTo("/new"));
    }

    [Test]
    public async Task Call_RefusedUnderCredentialsThatAreReplacedMeanwhile_KeepsNoOtherOut()
    {
        await using var client = new ScriptedClient(configure: static options => (options.ApiKey, options.Attempts) = ("qbt_old", 1));
        client.Log.Expect(QBittorrentEventIds.ClientIsolated);
        await client.Api.GetVersionAsync(default).DefaultTimeout();
        var held = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.Server.Do("torrents/categories", () => held.Task);
        var late = client.Api.GetCategoriesAsync(default);
        await Eventually.BecomesTrueAsync(() => client.Server.Count("torrents/categories") == 1);

        client.Api.UseCredentials(new QBittorrentCredentials { ApiKey = "qbt_new" });
        held.SetResult(ScriptedServer.Make(HttpStatusCode.Unauthorized, []));
        Assert.That(Assert.CatchAsync<TorrentClientException>(() => late.DefaultTimeout())!.Fault, Is.EqualTo(ClientFault.HostRefused));

        client.Server.Always("torrents/categories", HttpStatusCode.OK, "{}");
        Assert.That(await client.Api.GetCategoriesAsync(default).DefaultTimeout(), Is.Empty);
    }
}
