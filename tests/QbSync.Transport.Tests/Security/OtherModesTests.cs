using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Client.Connections;
using QbSync.Transport.Tests.EndToEnd;
using QbSync.Transport.Tests.Server;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Security;

/// <summary>An authority of the user's own, tokens, and no security at all.</summary>
internal sealed class OtherModesTests
{
    private const string Token = "0123456789abcdef0123456789abcdef!";
    private const string ForBoth = "1.3.6.1.5.5.7.3.1 1.3.6.1.5.5.7.3.2";
    private const string ForDialers = "1.3.6.1.5.5.7.3.2";
    private const string ForListeners = "1.3.6.1.5.5.7.3.1";
    private static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6a"), "test");

    private LogErrorGuard _logs = null!;
    private TempDirectory _folder = null!;
    private SecureNode _listener = null!;
    private SecureNode _dialer = null!;
    private TestAuthority _authority = null!;

    [SetUp]
    public void SetUp()
    {
        _logs = new LogErrorGuard();
        _folder = new TempDirectory();
        _listener = new SecureNode(_logs, "nas");
        _dialer = new SecureNode(_logs, "box");
        _authority = new TestAuthority(_folder, "ours");
    }

    [TearDown]
    public async Task TearDown()
    {
        await _dialer.DisposeAsync();
        await _listener.DisposeAsync();
        _authority.Dispose();
        _folder.Dispose();
        _logs.Verify();
        _logs.Dispose();
    }

    [Test]
    public async Task Authority_NamesThatAreAllowed_TalkAndAreKnownByThem()
    {
        await ListenAsync(ForBoth, "DNS:nas.example.org");
        var remote = Dial(_authority, ForBoth, "URI:spiffe://example.org/box");

        await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();

        Assert.That(_listener.Destination.Requests.Single().Caller.Peer, Is.EqualTo("spiffe://example.org/box"));
    }

    [TestCase("another authority", ForBoth, "URI:spiffe://example.org/box", 300)]
    [TestCase("ours", ForListeners, "URI:spiffe://example.org/box", 300)]
    [TestCase("ours", ForBoth, "URI:spiffe://example.org/Box", 300)]
    [TestCase("ours", ForBoth, "DNS:box.example.org", 300)]
    [TestCase("ours", ForBoth, "URI:spiffe://example.org/box", -1)]
    [TransportCase(42)]
    public async Task Authority_DialerThatDoesNotCount_IsRefused(string authority, string usage, string name, int days)
    {
        await ListenAsync(ForBoth, "DNS:nas.example.org");
        using var other = authority == "ours" ? null : new TestAuthority(_folder, authority);
        var remote = Dial(other ?? _authority, usage, name, days);

        AssertNotTrusted(remote);
    }

    [TestCase(ForDialers, "DNS:nas.example.org")]
    [TestCase(ForBoth, "DNS:other.example.org")]
    public async Task Authority_ListenerThatDoesNotCount_IsRefused(string usage, string name)
    {
        await ListenAsync(usage, name);
        AssertNotTrusted(Dial(_authority, ForBoth, "URI:spiffe://example.org/box"));
    }

    [Test]
    public async Task Authority_CertificateReplaced_IsUsedWithoutARestart()
    {
        await ListenAsync(ForBoth, "DNS:revoked.example.org");
        var remote = Dial(_authority, ForBoth, "URI:spiffe://example.org/box");
        AssertNotTrusted(remote);

        _authority.Issue("listener", ForBoth, "DNS:nas.example.org");
        await Eventually.BecomesTrueAsync(async () =>
        {
            try
            {
                await remote.HelloAsync(Caller, CancellationToken.None);
                return true;
            }
            catch (PeerException)
            {
                return false;
            }
        });
    }

    /// <summary>A connection lives for weeks: whom the present authorities would refuse must not stay on it.</summary>
    [Test]
    [TransportCase(44)]
    public async Task Authority_Replaced_CutsWhoCountsNoLonger([Values] bool atListener)
    {
        await ListenAsync(ForBoth, "DNS:nas.example.org");
        var authorities = _folder["dialer-authorities.pem"];
        File.Copy(_authority.Path, authorities);
        var (certificate, key) = _authority.Issue("dialer", ForBoth, "URI:spiffe://example.org/box");
        var remote = _dialer.Dial(_listener.Address, options =>
        {
            Set(options, certificate, key);
            options.AuthorityFile = authorities;
        });
        var sink = new RecordingSink();
        await using var link = remote.OpenLink(Caller, sink);
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 2);

        using var other = new TestAuthority(_folder, "another authority");
        File.Copy(other.Path, atListener ? _authority.Path : authorities, overwrite: true);

        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 0);
        await Eventually.BecomesTrueAsync(() => _logs.Entries.Any(entry =>
            entry.Id.Id == (atListener ? TransportEventIds.ConnectionRevoked : TransportEventIds.OwnConnectionRevoked)));
    }

    /// <summary>An authority that joins the others cuts nobody.</summary>
    [Test]
    public async Task Authority_OneMore_LeavesConnectionsAlone()
    {
        await ListenAsync(ForBoth, "DNS:nas.example.org");
        var remote = Dial(_authority, ForBoth, "URI:spiffe://example.org/box");
        await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        using var other = new TestAuthority(_folder, "another authority");

        await File.AppendAllTextAsync(_authority.Path, Environment.NewLine + await File.ReadAllTextAsync(other.Path));
        await Eventually.BecomesTrueAsync(() => _logs.Entries.Count(entry => entry.Id.Id == TransportEventIds.FilesReloaded) >= 2);
        await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();

        Assert.That(_logs.Entries.Select(entry => entry.Id.Id), Has.None.EqualTo(TransportEventIds.ConnectionRevoked).And.None.EqualTo(TransportEventIds.OwnConnectionRevoked));
    }

    [Test]
    [TransportCase(45)]
    public async Task Token_Right_IsAPeerAndWrongOrMissingIsRefusedUnread()
    {
        await ListenWithTokenAsync();
        await DialWithToken(Token).HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        Assert.That(_listener.Destination.Requests.Single().Caller.Peer, Is.EqualTo("token"));

        await using var wrong = new SecureNode(_logs, "wrong");
        var error = Assert.CatchAsync<PeerException>(() => DialWithToken(Token + "x", wrong).HelloAsync(Caller, CancellationToken.None).AsTask().DefaultTimeout())!;
        Assert.That(error.Fault, Is.EqualTo(PeerFault.NotTrusted));

        // By hand, so that the call can be refused before its message was sent at all.
        var ssl = await SecureNode.KnockAsync(_listener.Server.Port, null).DefaultTimeout();
        using var channel = PeerChannels.Create(new TransportClientOptions { Address = "localhost:1" }, _ => ValueTask.FromResult<Stream>(ssl));
        foreach (var headers in (Metadata?[])[null, new() { { "authorization", Token } }, new() { { "authorization", "Bearer " } }, new() { { "authorization", "Basic " + Token } }])
        {
            using var call = channel.CreateCallInvoker().AsyncClientStreamingCall(SyncMethods.Init, null, new CallOptions(headers));
            var status = Assert.CatchAsync<RpcException>(() => call.ResponseAsync.DefaultTimeout())!.Status;
            Assert.That((status.StatusCode, status.Detail), Is.EqualTo((StatusCode.PermissionDenied, "")));
        }

        Assert.That(_listener.Destination.Requests, Has.Count.EqualTo(1));
        Assert.That(await _listener.CountAsync("qbsync_peer_auth_failures_total{", _listener.Server.Registry), Is.EqualTo(5));
        await DialWithToken(Token).HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
    }

    [Test]
    [TransportCase(45)]
    public async Task Token_WithoutTls_IsRefusedUnread()
    {
        await ListenWithTokenAsync();
        using var channel = PeerChannels.Create(new TransportClientOptions { Address = "localhost:1" }, async cancellationToken =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, _listener.Server.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        });

        var headers = new Metadata { { "authorization", $"Bearer {Token}" } };
        var error = Assert.CatchAsync<RpcException>(() =>
            channel.CreateCallInvoker().AsyncUnaryCall(SyncMethods.Hello, null, new CallOptions(headers), new HelloRequest()).ResponseAsync.DefaultTimeout())!;

        Assert.That(error.StatusCode, Is.EqualTo(StatusCode.Unavailable).Or.EqualTo(StatusCode.Internal));
        Assert.That(_listener.Destination.Requests, Is.Empty);
    }

    [Test]
    public async Task Token_ListenerWithoutATrustedCertificate_NeverSeesTheToken()
    {
        await ListenWithTokenAsync();
        _authority.Issue("listener", ForListeners, "DNS:localhost", "IP:127.0.0.1");
        await using var other = new SecureNode(_logs, "no authority");
        AssertNotTrusted(other.Dial(_listener.Address, options => (options.Mode, options.PeerToken, options.PeersFile) = (SecurityMode.Token, Token, "")));

        using var stranger = new TestAuthority(_folder, "another authority");
        AssertNotTrusted(_dialer.Dial(_listener.Address, options =>
            (options.Mode, options.PeerToken, options.PeersFile, options.AuthorityFile) = (SecurityMode.Token, Token, "", stranger.Path)));
    }

    [Test]
    [TransportCase(45)]
    public async Task Insecure_FromTheLan_IsRefusedUnread()
    {
        var lan = Array.Find(await Dns.GetHostAddressesAsync(Dns.GetHostName(), AddressFamily.InterNetwork), address => !IPAddress.IsLoopback(address));
        var options = new TransportClientOptions { Address = $"{lan ?? IPAddress.Parse("192.0.2.1")}:1", Security = { Mode = SecurityMode.Insecure } };
        Assert.That(options.Validate(), Has.One.StartsWith("security: "));

        _listener.Options.Mode = SecurityMode.Insecure;
        var endPoint = new IPEndPoint(IPAddress.Any, 0);
        Assert.That(
            () => DestinationServer.StartAsync(_listener.Destination, _logs, server => server.Security = _listener.Options, at: endPoint),
            Throws.ArgumentException.With.Message.Contains("loopback"));
    }

    [Test]
    public async Task Insecure_PlaintextToASecureListener_IsHungUpOn()
    {
        await _listener.ListenAsync();
        await using var remote = _dialer.Dial(_listener.Address, static options => options.Mode = SecurityMode.Insecure);
        var error = Assert.CatchAsync<PeerException>(() => remote.HelloAsync(Caller, CancellationToken.None).AsTask().DefaultTimeout())!;
        Assert.That(error.Fault, Is.EqualTo(PeerFault.Unreachable));
        Assert.That(_listener.Destination.Requests, Is.Empty);
    }

    private void AssertNotTrusted(RemoteDestination remote)
    {
        var error = Assert.CatchAsync<PeerException>(() => remote.HelloAsync(Caller, CancellationToken.None).AsTask().DefaultTimeout())!;
        Assert.That(error.Fault, Is.EqualTo(PeerFault.NotTrusted), error.Message);
        Assert.That(_listener.Destination.Requests, Is.Empty);
    }

    private Task ListenAsync(string usage, string name)
    {
        var (certificate, key) = _authority.Issue("listener", usage, name);
        return _listener.ListenAsync(configure: options => Set(options, certificate, key));
    }

    private RemoteDestination Dial(TestAuthority authority, string usage, string name, int days = 300)
    {
        var (certificate, key) = authority.Issue("dialer", usage, days, name);
        return _dialer.Dial(_listener.Address, options => Set(options, certificate, key));
    }

    private void Set(SecurityOptions options, string certificate, string key)
    {
        options.Mode = SecurityMode.CertificateAuthority;
        options.CertificateFile = certificate;
        options.KeyFile = key;
        options.AuthorityFile = _authority.Path;
        options.AllowedPeers = ["nas.example.org", "spiffe://example.org/box"];
    }

    private Task ListenWithTokenAsync()
    {
        var (certificate, key) = _authority.Issue("listener", ForListeners, "DNS:localhost", "IP:127.0.0.1");
        return _listener.ListenAsync(configure: options =>
        {
            options.Mode = SecurityMode.Token;
            options.CertificateFile = certificate;
            options.KeyFile = key;
            options.PeerToken = Token;
        });
    }

    private RemoteDestination DialWithToken(string token, SecureNode? node = null) => (node ?? _dialer).Dial(_listener.Address, options =>
    {
        options.Mode = SecurityMode.Token;
        options.PeerToken = token;
        options.PeersFile = "";
        options.AuthorityFile = _authority.Path;
    });
}
