using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Real;

[Category("Real"), NonParallelizable]
internal sealed class LoginTests
{
    [Test]
    public async Task Describe_RightPassword_LogsInOnceAndTellsVersionAndPath()
    {
        await using var real = await RealClient.StartAsync(requireLogin: true);
        var descriptions = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => real.Client.DescribeAsync(false, default).AsTask())).DefaultTimeout();

        Assert.That(descriptions, Is.All.EqualTo(descriptions[0]).Using<ClientDescription>(static (a, b) => a.Product == b.Product));
        Assert.That(descriptions[0].Product, Does.StartWith("qBittorrent "));
        Assert.That(descriptions[0].DefaultSavePath.TrimEnd('/'), Is.EqualTo(real.Instance.SavePath));
        Assert.That(descriptions[0].Epoch, Is.EqualTo(1));
        Assert.That(real.Metric("qbsync_qb_api_calls_total", "Login"), Is.EqualTo(1));
        Assert.That(real.Client.Availability.Gate, Is.EqualTo(ClientGate.Closed));
    }

    [Test]
    public async Task AnyCall_WrongPassword_CausesOneLoginAndIsHeldBack()
    {
        await using var real = await RealClient.StartAsync(requireLogin: true, options => options.Password = "not this");
        real.Log.Expect(QBittorrentEventIds.LoginRefused);
        var first = Assert.ThrowsAsync<TorrentClientException>(async () => await real.Client.PollAsync([], default))!;
        for (var i = 0; i < 20; i++)
        {
            var next = Assert.ThrowsAsync<TorrentClientException>(async () => await real.Client.PollAsync([], default))!;
            Assert.That(next.Fault, Is.EqualTo(ClientFault.BreakerOpen));
        }

        Assert.That(first.Fault, Is.EqualTo(ClientFault.Unauthorized));
        Assert.That(first.Message, Does.Contain("qb-username").And.Contain("qb-password").And.Not.Contain("not this"));
        Assert.That(first.RetryAfter, Is.EqualTo(TimeSpan.FromMinutes(10)));
        Assert.That(real.Metric("qbsync_qb_api_calls_total", "Login"), Is.EqualTo(1));
        Assert.That(real.Metric("qbsync_circuit_breaker_state", "qb_client"), Is.EqualTo(1));
        Assert.That(real.Metric("qbsync_circuit_breaker_trips_total", "qb_client"), Is.Zero);
        Assert.That(real.Client.Availability.Gate, Is.EqualTo(ClientGate.Isolated));
        Assert.That(real.Log.Entries.Count(static entry => entry.Level == LogLevel.Error), Is.EqualTo(1));
    }

    [Test]
    public async Task AnyCall_NoPasswordWhereOneIsNeeded_SaysSo()
    {
        await using var real = await RealClient.StartAsync(requireLogin: true, options => (options.Username, options.Password) = (null, null));
        var fault = Assert.ThrowsAsync<TorrentClientException>(async () => await real.Client.PollAsync([], default))!;

        Assert.That(fault.Fault, Is.EqualTo(ClientFault.Unauthorized));
        Assert.That(fault.Message, Does.Contain("set qb-username and qb-password"));
        Assert.That(real.Metric("qbsync_qb_api_calls_total", "Login"), Is.Zero);
    }

    [Test]
    public async Task Calls_LoginTakenAway_LogInOnceMoreAndAreAnswered()
    {
        await using var real = await RealClient.StartAsync(requireLogin: true);
        await real.Client.DescribeAsync(false, default).DefaultTimeout();

        real.LoseCookies();
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => real.Api.GetVersionAsync(default))).DefaultTimeout();

        Assert.That(real.Metric("qbsync_qb_api_calls_total", "Login"), Is.EqualTo(2));
        Assert.That(real.Metric("qbsync_qb_client_retries_total"), Is.Zero);
    }

    [Test]
    public async Task Poll_ClientRestarted_ComesBackInFull()
    {
        await using var real = await RealClient.StartAsync();
        await real.Client.PollAsync([], default).DefaultTimeout();
        var epoch = (await real.Client.DescribeAsync(false, default)).Epoch;
        await real.Instance.KillAsync(default).DefaultTimeout();

        var fault = Assert.ThrowsAsync<TorrentClientException>(async () => await real.Client.PollAsync([], default))!;
        Assert.That(fault.Fault, Is.EqualTo(ClientFault.Unreachable));
        Assert.That(fault.IsTransient, Is.True);
        Assert.That(epoch, Is.EqualTo(1));
    }
}
