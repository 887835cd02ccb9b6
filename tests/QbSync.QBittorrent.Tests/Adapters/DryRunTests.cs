using QbSync.Ports;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Adapters;

internal sealed class DryRunTests
{
    private static readonly string[] Reads =
    [
        nameof(ITorrentClient.DescribeAsync), nameof(ITorrentClient.PollAsync), nameof(ITorrentClient.FindAsync), nameof(ITorrentClient.GetAsync),
        nameof(ITorrentClient.GetFilesAsync), nameof(ITorrentClient.GetPiecesAsync), nameof(ITorrentClient.GetManifestAsync),
        nameof(ITorrentClient.GetTrackersAsync), nameof(ITorrentClient.GetLogAsync),
    ];

    [TestCase("source", true), TestCase("source", false), TestCase("destination", true), TestCase("destination", false)]
    [ClientCase(56)]
    public async Task EveryVerb_InADryRun_SendsOnlyGetsAndLogins(string mode, bool isDecorated)
    {
        await using var client = new ScriptedClient(
            configure: static options => (options.ReadOnly, options.Username, options.Password) = (true, "user", "p"), mode: mode);
        EveryMethod.Answer(client.Server);
        client.Server.Answer("app/webapiVersion", System.Net.HttpStatusCode.Forbidden).Answer("auth/login", "Ok.");
        ITorrentClient port = isDecorated ? new DryRunTorrentClient(client.Client) : client.Client;
        foreach (var verb in EveryMethod.Of<ITorrentClient>())
        {
            var call = EveryMethod.CallAsync(port, verb, default).DefaultTimeout();
            if (Reads.Contains(verb.Name))
            {
                await call;
            }
            else
            {
                var fault = Assert.ThrowsAsync<TorrentClientException>(() => call, verb.Name)!;
                Assert.That(fault.Fault, Is.EqualTo(ClientFault.DryRun), verb.Name);
            }
        }

        await client.Client.DisposeAsync();
        Assert.That(client.Server.Requests.Where(static request => request.Method != "GET").Select(static request => request.Path), Is.EquivalentTo(new[] { "auth/login", "auth/logout" }));
        Assert.That(client.Metric("qbsync_circuit_breaker_state"), Is.Zero);
    }

    [Test, ClientCase(56)]
    public async Task EveryMethodOfTheApi_InADryRun_SendsOnlyGetsAndLogins()
    {
        await using var client = new ScriptedClient(configure: static options => options.ReadOnly = true);
        EveryMethod.Answer(client.Server);
        foreach (var method in EveryMethod.Of<IQBittorrentClient>())
        {
            try
            {
                await EveryMethod.CallAsync(client.Api, method, default).DefaultTimeout();
            }
            catch (TorrentClientException fault)
            {
                Assert.That(fault.Fault, Is.EqualTo(ClientFault.DryRun), method.Name);
            }
        }

        Assert.That(client.Server.Requests.Where(static request => request.Method != "GET").Select(static request => request.Path), Is.All.StartsWith("auth/"));
        Assert.That(client.Metric("qbsync_qb_api_errors_total", "permanent"), Is.Zero, "a dry run is no error");
    }

    [Test]
    public async Task Availability_OfTheClientBehind_IsShown()
    {
        await using var client = new ScriptedClient(configure: static options => (options.Attempts, options.BreakerThreshold) = (1, 1));
        var dry = new DryRunTorrentClient(client.Client);
        List<ClientAvailability> told = [];
        dry.AvailabilityChanged += told.Add;
        client.Server.Answer("torrents/categories", System.Net.HttpStatusCode.InternalServerError);
        client.Fault(() => client.Api.GetCategoriesAsync(default));
        Assert.That(told.Single(), Is.EqualTo(dry.Availability));
        Assert.That((dry.Availability.Gate, dry.Availability.LastFault!.Fault), Is.EqualTo((ClientGate.Open, ClientFault.ServerError)));
        Assert.That(dry.Availability.Until - client.Time.GetUtcNow(), Is.GreaterThan(TimeSpan.FromSeconds(0.3)).And.LessThan(TimeSpan.FromSeconds(1.3)));
    }
}
