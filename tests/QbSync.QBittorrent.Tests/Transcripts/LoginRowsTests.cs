using System.Net;
using Microsoft.Extensions.Time.Testing;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Transcripts;

/// <summary>What each version's answers to the first question and to a login mean, and what is done next.</summary>
[ClientCase(1)]
internal sealed class LoginRowsTests
{
    private static IReadOnlyList<string> Versions => Transcript.Versions;

    [TestCaseSource(nameof(Versions))]
    public async Task Version_Answered_IsAllThatIsNeeded(string version)
    {
        await using var rig = new Rig(version);
        await rig.Api.LoginAsync(CancellationToken.None).DefaultTimeout();
        Assert.That(rig.Handler.Played.Take(4), Is.EqualTo(new[] { "version", "product", "build", "preferences" }));
        Assert.That(rig.Handler.Played, Has.None.StartsWith("login"));
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Version_Forbidden_LogsIn_WhateverTheStatusAndTheCookiesName(string version)
    {
        await using var rig = new Rig(version);
        rig.Handler.Then("version-no-login", "login-right", "version");
        await rig.Api.LoginAsync(CancellationToken.None).DefaultTimeout();
        Assert.That(rig.Handler.Played.Take(6), Is.EqualTo(new[] { "version-no-login", "login-right", "version", "product", "build", "preferences" }));
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Version_ForbiddenAndNothingSet_SaysWhatToSet_AndHoldsBack(string version)
    {
        await using var rig = new Rig(version, static options => (options.Username, options.Password) = (null, null));
        rig.Handler.Then("version-no-login");
        var fault = await rig.RefusedAsync(ClientFault.Unauthorized, TimeSpan.FromMinutes(5));
        Assert.That(fault.Message, Does.Contain("qb-username").And.Contain("qb-password"));
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Key_Wrong_IsUnauthorized_NamesTheVersion_AndIsNoLogin(string version)
    {
        await using var rig = new Rig(
            version, static options => (options.Username, options.Password, options.ApiKey) = (null, null, "qbt_0123456789abcdefghijklmnopqr"));
        rig.Handler.Then("version-wrong-key");
        var fault = await rig.RefusedAsync(ClientFault.Unauthorized, TimeSpan.FromMinutes(5));
        Assert.That(fault.Message, Does.Contain("5.2"));
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Host_NotTheClientsOwn_IsHostRefused_WithoutALogin(string version)
    {
        await using var rig = new Rig(version);
        rig.Handler.Then("version-other-port");
        await rig.RefusedAsync(ClientFault.HostRefused, TimeSpan.FromMinutes(5));
    }

    [Test]
    public async Task Basic_RefusedByTheClientItself_IsInTheLedger()
    {
        await using var rig = new Rig("5.3.0", static options => (options.Username, options.Password, options.BasicAuth) = (null, null, "admin:wrong"));
        rig.Handler.Then("version-wrong-basic");
        await rig.RefusedAsync(ClientFault.Unauthorized, TimeSpan.FromMinutes(10));
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Version_ThatIsNone_OrNotThere_IsNoWebApi(string version)
    {
        foreach (var name in new[] { "product", "unknown-scope", "info-empty" })
        {
            await using var rig = new Rig(version);
            rig.Handler.ThenAt("GET", "app/webapiVersion", rig.Handler.Transcript[name]);
            await rig.RefusedAsync(ClientFault.NotAWebApi, TimeSpan.FromMinutes(5));
        }
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Version_Redirected_NamesTheTarget(string version)
    {
        await using var rig = new Rig(version);
        rig.Handler.ThenAt(
            "GET",
            "app/webapiVersion",
            new Exchange("moved", rig.Handler.Transcript["version"].Request, HttpStatusCode.Found, "", [], []) { Location = "https://elsewhere.test/login" });
        var fault = await rig.RefusedAsync(ClientFault.Redirected, TimeSpan.FromMinutes(5));
        Assert.That(fault.Message, Does.Contain("https://elsewhere.test/login"));
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Login_Refused_IsUnauthorized_AndTheNextIsInTenMinutes(string version)
    {
        await using var rig = new Rig(version);
        rig.Handler.Then("version-no-login", "login-wrong");
        await rig.RefusedAsync(ClientFault.Unauthorized, TimeSpan.FromMinutes(10), "login-wrong");

        await rig.Time.AdvanceAsync(TimeSpan.FromMinutes(10.1));
        rig.Handler.Then("version-no-login", "login-wrong-1");
        await rig.RefusedAsync(ClientFault.Unauthorized, TimeSpan.FromMinutes(60), "login-wrong-1");
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Login_Banned_IsBanned_AndTheNextIsInSixtyFiveMinutes(string version)
    {
        await using var rig = new Rig(version);
        rig.Handler.Then("version-banned", "login-banned");
        await rig.RefusedAsync(ClientFault.Banned, TimeSpan.FromMinutes(65), "login-banned");
    }

    [TestCaseSource(nameof(Versions))]
    public async Task Login_TakenButStillForbidden_IsForbidden_AndTheNextIsLaterEachTime(string version)
    {
        await using var rig = new Rig(version);
        foreach (var minutes in new[] { 1, 2, 4, 8, 10, 10 })
        {
            rig.Handler.Then("version-no-login", "login-right", "version-after-logout");
            await rig.RefusedAsync(ClientFault.Forbidden, TimeSpan.FromMinutes(minutes), "login-right");
            await rig.Time.AdvanceAsync(TimeSpan.FromMinutes(minutes + 0.1));
        }
    }

    /// <summary>Our client over one version's answers, in virtual time.</summary>
    private sealed class Rig : IAsyncDisposable
    {
        private readonly LogErrorGuard _log = new();

        public Rig(string version, Action<QBittorrentOptions>? configure = null)
        {
            Handler = new TranscriptHandler(version);
            var options = new QBittorrentOptions { Url = new Uri("http://qb.test:8080/"), Username = "admin", Password = "a password" };
            configure?.Invoke(options);
            _log.Expect(static entry => entry.Id.Id is QBittorrentEventIds.LoginRefused or QBittorrentEventIds.LoginBanned or QBittorrentEventIds.BasicRefused);
            Api = new QBittorrentClient(options, Handler, loggers: _log, time: Time, random: new Random(1));
        }

        public TranscriptHandler Handler { get; }

        public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

        public QBittorrentClient Api { get; }

        /// <summary>The fault of the next call; that it is held back then, and whether a login was sent.</summary>
        public Task<TorrentClientException> RefusedAsync(ClientFault fault, TimeSpan next, string? login = null)
        {
            var before = Handler.Played.Count;
            var refusal = Assert.ThrowsAsync<TorrentClientException>(() => Api.LoginAsync(CancellationToken.None).DefaultTimeout())!;
            var played = Handler.Played.Skip(before).ToList();
            Assert.That(refusal.Fault, Is.EqualTo(fault), refusal.Message);
            Assert.That(refusal.RetryAfter, Is.EqualTo(next));
            Assert.That(played.Where(static name => name.StartsWith("login", StringComparison.Ordinal)), Is.EqualTo(login is null ? [] : new[] { login }));

            Assert.ThrowsAsync<TorrentClientException>(() => Api.GetVersionAsync(CancellationToken.None).DefaultTimeout());
            Assert.That(Handler.Played, Has.Count.EqualTo(before + played.Count), "nothing is sent before its time");
            return Task.FromResult(refusal);
        }

        public async ValueTask DisposeAsync()
        {
            await Api.DisposeAsync();
            Assert.That(Handler.Unknown, Is.Empty);
            _log.Verify();
            _log.Dispose();
        }
    }
}
