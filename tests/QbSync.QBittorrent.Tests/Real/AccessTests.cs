using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using QbSync.Host.Commands.Demo;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Real;

[Category("Real"), NonParallelizable]
internal sealed class AccessTests
{
    private AccessLab _lab = null!;

    [SetUp]
    public void SetUp() => _lab = new AccessLab();

    [TearDown]
    public async Task TearDown() => await _lab.DisposeAsync();

    [Test, ClientCase(5)]
    public async Task WrongPassword_AnHourOfAnOperatorsRetries_IsNoBanAndTheRightOneWorksAtOnce()
    {
        var instance = await _lab.StartAsync();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var party = _lab.Connect(instance, static options => options.Password = "not this", time);
        party.Log.Expect(QBittorrentEventIds.LoginRefused);
        for (var minute = 0; minute < 60; minute++)
        {
            party.Client.RetryLogin();
            var fault = Assert.ThrowsAsync<TorrentClientException>(() => party.Api.GetVersionAsync(default).DefaultTimeout())!;
            Assert.That(fault.Fault, Is.EqualTo(ClientFault.Unauthorized));
            time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.That(party.Logins, Is.EqualTo(2), "and one of three left for other credentials");
        party.Client.UseCredentials(new QBittorrentCredentials { Username = instance.Username, Password = instance.Password });
        Assert.That(await party.Api.GetVersionAsync(default).DefaultTimeout(), Does.StartWith("v"));
        Assert.That(party.Client.Availability, Is.EqualTo(ClientAvailability.Available));
    }

    [Test, ClientCase(7)]
    public async Task ApiKey_RightOrWrong_WorksOrIsNamedAndIsNotCounted()
    {
        var instance = await _lab.StartAsync();
        var key = await MakeKeyAsync(instance);
        foreach (var _ in Enumerable.Range(0, 6))
        {
            var wrong = Connect(instance, "qbt_0123456789abcdef0123456789ab");
            var fault = Assert.ThrowsAsync<TorrentClientException>(() => wrong.Api.GetVersionAsync(default).DefaultTimeout())!;
            Assert.That(fault.Fault, Is.EqualTo(ClientFault.Unauthorized));
            Assert.That(fault.Message, Does.Contain("qb-api-key").And.Contain("5.2").And.Not.Contain("0123456789ab"));
            Assert.That(wrong.Logins, Is.Zero);
        }

        if (key is not null)
        {
            var right = Connect(instance, key);
            Assert.That((await right.Client.DescribeAsync(false, default).AsTask().DefaultTimeout()).Product, Does.StartWith("qBittorrent 5"));
            Assert.That(right.Logins, Is.Zero);
        }

        Assert.That(await _lab.Connect(instance).Api.GetVersionAsync(default).DefaultTimeout(), Does.StartWith("v"), "six wrong keys are no ban");
    }

    // Needs a client that knows keys, 5.2 or later.
    [Test, Category("Long"), ClientCase(7)]
    public async Task ApiKey_SharedByTwoFeeds_GoesOverToWholeListsAndWarnsOnce()
    {
        var instance = await _lab.StartAsync();
        if (await MakeKeyAsync(instance) is not { } key)
        {
            Assert.Ignore("This version knows no API keys.");
            return;
        }

        AccessLab.Party[] parties = [Connect(instance, key), Connect(instance, key)];
        await Eventually.BecomesTrueAsync(async () =>
        {
            foreach (var party in parties)
            {
                await party.Client.PollAsync([], default);
            }

            return parties.Any(static party => Warnings(party) > 0);
        });
        for (var poll = 0; poll < 20; poll++)
        {
            foreach (var party in parties)
            {
                await party.Client.PollAsync([], default);
            }
        }

        Assert.That(parties.Select(Warnings), Is.All.LessThanOrEqualTo(1));
    }

    [Test, ClientCase(8)]
    public async Task TwoInstances_OnOneHost_KeepTheirLogins()
    {
        var first = await _lab.StartAsync();
        var second = await _lab.StartAsync();
        AccessLab.Party[] parties = [_lab.Connect(first), _lab.Connect(second)];
        for (var round = 0; round < 10; round++)
        {
            foreach (var party in parties)
            {
                await party.Client.PollAsync([], default).AsTask().DefaultTimeout();
                await party.Api.GetVersionAsync(default).DefaultTimeout();
            }
        }

        Assert.That(parties.Select(static party => party.Logins), Is.All.EqualTo(1), "one login per process, and none of them in the other's way");
    }

    // Needs a second version of the client.
    [Test, Category("Long"), ClientCase(8)]
    public async Task Client_StartedAgainAsAnotherVersion_HasAnotherEpochAndIsListedInFull()
    {
        if (AccessLab.OtherExecutable is not { } other)
        {
            Assert.Ignore("No other version is cached; see tests/clients/get-client.sh.");
            return;
        }

        var instance = await _lab.StartAsync();
        var party = _lab.Connect(instance);
        var before = await party.Client.DescribeAsync(false, default).AsTask().DefaultTimeout();
        var api = await party.Api.GetWebApiVersionAsync(default).DefaultTimeout();
        Assert.That((await party.Client.PollAsync([], default).AsTask().DefaultTimeout()).Kind, Is.EqualTo(ClientUpdateKind.Full));
        await instance.KillAsync(default).DefaultTimeout();
        var again = await _lab.StartAsync(other, instance.Url.Port);
        ClientUpdate? update = null;
        await Eventually.BecomesTrueAsync(async () =>
        {
            try
            {
                update = await party.Client.PollAsync([], default);
                return true;
            }
            catch (TorrentClientException failure)
            {
                Assert.That(failure.IsTransient, Is.True, failure.Message);
                return false;
            }
        });
        var after = await party.Client.DescribeAsync(false, default).AsTask().DefaultTimeout();
        Assert.That(update!.Kind, Is.EqualTo(ClientUpdateKind.Full));
        Assert.That((after.Epoch, after.Product == before.Product), Is.EqualTo((before.Epoch + 1, false)));
        Assert.That(await party.Api.GetWebApiVersionAsync(default).DefaultTimeout(), Is.Not.EqualTo(api));
        Assert.That(again.Url, Is.EqualTo(instance.Url));
    }

    private static int Warnings(AccessLab.Party party) => party.Log.Entries.Count(static entry => entry.Id.Id == QBittorrentEventIds.StateIsShared);

    private AccessLab.Party Connect(QBittorrentInstance instance, string key) =>
        _lab.Connect(instance, options => (options.Username, options.Password, options.ApiKey) = (null, null, key));

    // Null where keys are not known.
    private static async Task<string?> MakeKeyAsync(QBittorrentInstance instance)
    {
        if (Version.Parse(await instance.GetAsync("app/webapiVersion", default)) < new Version(2, 14, 1))
        {
            return null;
        }

        using var made = JsonDocument.Parse(await instance.PostAsync("app/rotateAPIKey", new Dictionary<string, string>(), default));
        return made.RootElement.GetProperty("apiKey").GetString();
    }
}
