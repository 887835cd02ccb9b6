using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using QbSync.Ports;
using QbSync.Testing.Logging;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Security;

namespace QbSync.Transport.Tests.Security;

/// <summary>What strangers may cost a listener, over real sockets from several addresses of the loopback; a peer that is there already notices nothing.</summary>
internal sealed class StrangersTests
{
    private static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6a"), "test");

    private readonly List<Socket> _sockets = [];
    private FakeTimeProvider _time = null!;
    private LogErrorGuard _logs = null!;
    private SecureNode _listener = null!;
    private SecureNode _dialer = null!;

    [SetUp]
    public async Task SetUp()
    {
        _time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        _logs = new LogErrorGuard();
        _listener = new SecureNode(_logs, "nas");
        _dialer = new SecureNode(_logs, "box");
        await _listener.TrustAsync(_dialer);
        await _dialer.TrustAsync(_listener);
        await _listener.ListenAsync(_time);
    }

    [TearDown]
    public async Task TearDown()
    {
        _sockets.ForEach(static socket => socket.Dispose());
        _sockets.Clear();
        await _dialer.DisposeAsync();
        await _listener.DisposeAsync();
        _logs.Verify();
        _logs.Dispose();
    }

    [Test]
    [TransportCase(45)]
    public async Task Sockets_ThirtyThree_TheLastIsClosedAndAPeerThatIsThereIsUnharmed()
    {
        var remote = _dialer.Dial(_listener.Address);
        await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        for (var i = 0; i < PreAuthenticationLimits.MostSockets; i++)
        {
            await ConnectAsync($"127.0.1.{1 + i / PreAuthenticationLimits.MostPerAddress}");
            await Eventually.BecomesTrueAsync(() => _listener.Server.Strangers == i + 1);
        }

        Assert.That(await EndsAsync(await ConnectAsync("127.0.1.9")), Is.True, "the 33rd of all");
        await remote.GetStatusAsync(Caller, new StatusRequest([], false), CancellationToken.None).DefaultTimeout();

        // Slow handshakes: a byte now and then buys no more than ten seconds.
        await _sockets[0].SendAsync(new byte[] { 0x16, 0x03 });
        await LosePatienceAsync();
        foreach (var socket in _sockets)
        {
            Assert.That(await EndsAsync(socket), Is.True);
        }

        var second = _dialer.Dial(_listener.Address);
        await second.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
    }

    [Test]
    [TransportCase(45)]
    public async Task Sockets_NineOfAnAddress_TheLastIsClosedAndOtherAddressesComeIn()
    {
        for (var i = 0; i < PreAuthenticationLimits.MostPerAddress; i++)
        {
            await ConnectAsync("127.0.1.1");
            await Eventually.BecomesTrueAsync(() => _listener.Server.Strangers == i + 1);
        }

        Assert.That(await EndsAsync(await ConnectAsync("127.0.1.1")), Is.True);
        await _dialer.Dial(_listener.Address).HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
    }

    [Test]
    [TransportCase(45)]
    public async Task Failures_ThirtyOne_CloseTheDoorToTheirAddressForAMinute()
    {
        for (var i = 0; i < PreAuthenticationLimits.MostFailures; i++)
        {
            var socket = await ConnectAsync("127.0.1.1");
            await socket.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
            Assert.That(await EndsAsync(socket), Is.True);

            // It gives its place back a moment after it was hung up on.
            await Eventually.BecomesTrueAsync(() => _listener.Server.Strangers == 0);
        }

        await Eventually.BecomesTrueAsync(async () =>
            await _listener.CountAsync("qbsync_peer_auth_failures_total{", _listener.Server.Registry) == PreAuthenticationLimits.MostFailures);
        Assert.That(await EndsAsync(await ConnectAsync("127.0.1.1")), Is.True, "the 31st is not heard");
        Assert.That(await _listener.CountAsync("qbsync_peer_auth_failures_total{", _listener.Server.Registry), Is.EqualTo(PreAuthenticationLimits.MostFailures));
        await _dialer.Dial(_listener.Address).HelloAsync(Caller, CancellationToken.None).DefaultTimeout();

        _time.Advance(TimeSpan.FromSeconds(61));
        await ConnectAsync("127.0.1.1");
        await Eventually.BecomesTrueAsync(() => _listener.Server.Strangers == 1);
    }

    /// <summary>As the probes of orchestrators do, each few seconds.</summary>
    [Test]
    public async Task Probe_ThatConnectsAndGoes_IsNoFailure()
    {
        for (var i = 0; i <= PreAuthenticationLimits.MostFailures; i++)
        {
            var probe = await ConnectAsync("127.0.1.1");
            await Eventually.BecomesTrueAsync(() => _listener.Server.Strangers == 1);
            probe.Dispose();
            await Eventually.BecomesTrueAsync(() => _listener.Server.Strangers == 0);
        }

        await ConnectAsync("127.0.1.1");
        await Eventually.BecomesTrueAsync(() => _listener.Server.Strangers == 1);
        Assert.That(await _listener.CountAsync("qbsync_peer_auth_failures_total{", _listener.Server.Registry), Is.Zero);
    }

    /// <summary>One that an open code lets in stays a stranger, and goes when its time is over.</summary>
    [Test]
    public async Task Stranger_LetInToPair_KeepsItsPlaceAndEndsInTime()
    {
        using var window = PairingWindow.Open(_listener.Options, _listener.Peers, "nas", _time);
        using var certificate = SecureNode.NewEcdsa(ECCurve.NamedCurves.nistP256);
        await using var ssl = await SecureNode.KnockAsync(_listener.Server.Port, certificate).DefaultTimeout();
        Assert.That(await TlsGreeting.ReadAsync(ssl, CancellationToken.None).DefaultTimeout(), Is.True);
        Assert.That(_listener.Server.Strangers, Is.EqualTo(1));

        await LosePatienceAsync();
    }

    /// <summary>Time passes until no stranger is left: the time of one that has just taken its place may begin a moment later.</summary>
    private async Task LosePatienceAsync()
    {
        _time.Advance(PreAuthenticationLimits.Patience - TimeSpan.FromSeconds(1));
        Assert.That(_listener.Server.Strangers, Is.Positive);
        await Eventually.BecomesTrueAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return _listener.Server.Strangers == 0;
        });
    }

    private static async Task<bool> EndsAsync(Socket socket)
    {
        var buffer = new byte[1024];
        try
        {
            while (await socket.ReceiveAsync(buffer).DefaultTimeout() > 0)
            {
            }
        }
        catch (SocketException)
        {
        }

        return true;
    }

    private async Task<Socket> ConnectAsync(string from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(socket);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _listener.Server.Port)).DefaultTimeout();
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Closed before it was seen to be open.
        }

        return socket;
    }
}
