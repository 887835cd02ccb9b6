using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Security;
using QbSync.Transport.Tests.Client;

namespace QbSync.Transport.Tests.Security;

/// <summary>Pinned mutual TLS over real sockets: who gets in, and what others see.</summary>
internal sealed class PairedTests
{
    private static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6a"), "test");

    private LogErrorGuard _logs = null!;
    private SecureNode _listener = null!;
    private SecureNode _dialer = null!;

    [SetUp]
    public void SetUp()
    {
        _logs = new LogErrorGuard();
        _listener = new SecureNode(_logs, "nas");
        _dialer = new SecureNode(_logs, "box");
    }

    [TearDown]
    public async Task TearDown()
    {
        await _dialer.DisposeAsync();
        await _listener.DisposeAsync();
        _logs.Verify();
        _logs.Dispose();
    }

    [Test]
    public async Task Peers_ThatTrustEachOther_TalkAndAreKnownByTheirIds()
    {
        await ConnectAsync();
        var remote = _dialer.Dial(_listener.Address);

        await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        await remote.GetStatusAsync(Caller, new StatusRequest([], false), CancellationToken.None).DefaultTimeout();

        var callers = _listener.Destination.Requests.Select(request => request.Caller).ToList();
        Assert.That(callers.Select(caller => caller.Peer), Has.All.EqualTo(_dialer.Identity.Id.ToString()));
        Assert.That(callers.Select(caller => caller.Source).Distinct().Count(), Is.EqualTo(1));
        Assert.That(callers[0].Source, Is.Not.EqualTo(Caller.Source), "a source id is the peer's own");
        Assert.That(await _listener.CountAsync("qbsync_peer_auth_failures_total", _listener.Server.Registry), Is.Zero);
        var expiry = DateTimeOffset.FromUnixTimeSeconds((long)await _dialer.CountAsync("qbsync_certificate_expiry_timestamp_seconds"));
        Assert.That(expiry, Is.EqualTo(DateTimeOffset.UtcNow.AddYears(20)).Within(TimeSpan.FromDays(2)));
    }

    /// <summary>Reliability F 1.</summary>
    [Test]
    [TransportCase(42)]
    public async Task Tls_UnknownPeer_EveryMethod_HandshakeFails()
    {
        await _dialer.TrustAsync(_listener);
        await _listener.ListenAsync();
        var remote = _dialer.Dial(_listener.Address);
        var id = TestSource.Torrent;
        Func<Task>[] verbs =
        [
            () => remote.HelloAsync(Caller, CancellationToken.None).AsTask(),
            () => remote.GetStatusAsync(Caller, new StatusRequest([id], false), CancellationToken.None).AsTask(),
            () => remote.ProveAsync(Caller, new ProveRequest(id, new byte[] { 1 }, new byte[] { 2 }), CancellationToken.None).AsTask(),
            () => remote.WithdrawAsync(Caller, new WithdrawRequest(id), CancellationToken.None).AsTask(),
            async () => await remote.WatchAsync(Caller, CancellationToken.None).GetAsyncEnumerator().MoveNextAsync(),
        ];

        foreach (var verb in verbs)
        {
            var error = Assert.CatchAsync<PeerException>(() => verb().DefaultTimeout())!;
            Assert.That(error.Fault, Is.EqualTo(PeerFault.NotTrusted), error.Message);
            Assert.That(error.Message, Does.Contain(_dialer.Identity.Id.ToString()).And.Contain(_listener.Identity.Id.ToString()));
        }

        Assert.That(_listener.Destination.Requests, Is.Empty);
        Assert.That(await _listener.CountAsync("qbsync_peer_auth_failures_total{", _listener.Server.Registry), Is.EqualTo(verbs.Length));
        Assert.That(await _dialer.CountAsync("qbsync_peer_auth_failures_total{"), Is.GreaterThanOrEqualTo(verbs.Length));
    }

    private async Task ConnectAsync()
    {
        await _listener.TrustAsync(_dialer);
        await _dialer.TrustAsync(_listener);
        await _listener.ListenAsync();
    }
}
