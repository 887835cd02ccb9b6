using System.Net;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Security;

/// <summary>Pairing over real sockets with a listener that is a whole destination, and everything that must not pair.</summary>
internal sealed class PairingTests : TwoNodes
{
    [Test]
    [TransportCase(43)]
    public async Task Pair_RightCode_PinsBothAndWorksOnce()
    {
        await Listener.ListenAsync();
        using var window = Open();
        var waiting = window.WaitAsync(CancellationToken.None);

        var outcome = await PairAsync(Dialer, window.Code.ToLowerInvariant().Replace('-', ' '));

        Assert.That(outcome, Is.TypeOf<PairingOutcome.Paired>());
        var paired = ((PairingOutcome.Paired)outcome).Peer;
        Assert.That((paired.Id, paired.Name, paired.Address), Is.EqualTo((Listener.Identity.Id, "nas", Listener.Address)));
        Assert.That((await waiting.DefaultTimeout())?.Id, Is.EqualTo(Dialer.Identity.Id));
        await Eventually.BecomesTrueAsync(() => Listener.Peers.Find(Dialer.Identity.Id) is { Name: "box", Address: null });
        await Dialer.Dial(Listener.Address).HelloAsync(new Ports.Caller(Guid.Empty, "x"), CancellationToken.None).DefaultTimeout();

        await using var third = new SecureNode(Logs, "third");
        Assert.That(await PairAsync(third, window.Code), Is.TypeOf<PairingOutcome.Refused>(), "twice");
        var again = await PairAsync(Dialer, window.Code);
        Assert.That(again, Is.TypeOf<PairingOutcome.Refused>(), $"by one who is trusted already: {again}");
        Assert.That(third.Peers.Peers, Is.Empty);
        Assert.That(Listener.Peers.Peers, Has.Count.EqualTo(1));
    }

    [Test]
    [TransportCase(43)]
    public async Task Pair_WhileNoRoleListens_TheListenerForPairingAloneDoes()
    {
        using var window = Open();
        await using var listening = await PairingListener.StartAsync(
            Listener.Options, new IPEndPoint(IPAddress.Loopback, 0), Logs, PatientTime.Instance, CancellationToken.None).DefaultTimeout();
        var waiting = window.WaitAsync(CancellationToken.None);

        var outcome = await PairAsync(Dialer, window.Code, $"127.0.0.1:{listening.Port}");

        Assert.That(outcome, Is.TypeOf<PairingOutcome.Paired>());
        Assert.That((await waiting.DefaultTimeout())?.Id, Is.EqualTo(Dialer.Identity.Id));
        var error = Assert.CatchAsync<PeerException>(() => Dialer.Dial($"127.0.0.1:{listening.Port}")
            .HelloAsync(new Ports.Caller(Guid.Empty, "x"), CancellationToken.None).AsTask().DefaultTimeout())!;
        Assert.That(error.Fault, Is.Not.EqualTo(PeerFault.NotTrusted), "a peer is let in, and nothing but pairing is there");
    }

    /// <summary>Reliability F 2: a listener for pairing alone asks for the same as a whole destination.</summary>
    [Test]
    public async Task Tls_EveryListener_SameRules()
    {
        await Listener.ListenAsync();
        await using var pairing = await PairingListener.StartAsync(
            Listener.Options, new IPEndPoint(IPAddress.Loopback, 0), Logs, PatientTime.Instance, CancellationToken.None).DefaultTimeout();
        using var rsa = SecureNode.NewRsa();
        using var unknown = SecureNode.NewEcdsa(ECCurve.NamedCurves.nistP256);
        foreach (var port in (int[])[Listener.Server.Port, pairing.Port])
        {
            foreach (var certificate in (System.Security.Cryptography.X509Certificates.X509Certificate2?[])[null, rsa, unknown])
            {
                await using var ssl = await SecureNode.KnockAsync(port, certificate).DefaultTimeout();
                Assert.That(await TlsGreeting.ReadAsync(ssl, CancellationToken.None).DefaultTimeout(), Is.False);
            }

            using var window = Open();
            foreach (var certificate in (System.Security.Cryptography.X509Certificates.X509Certificate2?[])[null, rsa])
            {
                await using var ssl = await SecureNode.KnockAsync(port, certificate).DefaultTimeout();
                Assert.That(await TlsGreeting.ReadAsync(ssl, CancellationToken.None).DefaultTimeout(), Is.False, "an open code lets no other kind of certificate in");
            }
        }
    }

    /// <summary>Reliability F 4.</summary>
    [Test]
    [TransportCase(43)]
    public async Task Pair_FiveWrongCodes_WindowCloses()
    {
        await Listener.ListenAsync();
        using var window = Open();
        var waiting = window.WaitAsync(CancellationToken.None);
        for (var wrong = 0; wrong < PairingFile.MostTries; wrong++)
        {
            Assert.That(await PairAsync(Dialer, OneTimeCode.Make()), Is.TypeOf<PairingOutcome.Refused>());
        }

        Assert.That(await waiting.DefaultTimeout(), Is.Null);
        Assert.That(File.Exists(Listener.Options.PairingPath), Is.False);
        Assert.That(await PairAsync(Dialer, window.Code), Is.TypeOf<PairingOutcome.Refused>(), "the right one comes too late");
        AssertNobodyIsPinned();
        Assert.That(await Listener.CountAsync("qbsync_peer_auth_failures_total{", Listener.Server.Registry), Is.EqualTo(PairingFile.MostTries + 1));
    }

    [Test]
    [TransportCase(43)]
    public async Task Pair_FourWrongCodes_RightOneStillPairs()
    {
        await Listener.ListenAsync();
        using var window = Open();
        for (var wrong = 1; wrong < PairingFile.MostTries; wrong++)
        {
            Assert.That(await PairAsync(Dialer, OneTimeCode.Make()), Is.TypeOf<PairingOutcome.Refused>());
        }

        Assert.That(await PairAsync(Dialer, window.Code), Is.TypeOf<PairingOutcome.Paired>());
    }

    [Test]
    [TransportCase(43)]
    public async Task Pair_Late_IsRefusedInTheHandshake()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await Listener.ListenAsync(time);
        using var window = PairingWindow.Open(Listener.Options, Listener.Peers, "nas", time);
        time.Advance(PairingFile.OpenTime + TimeSpan.FromSeconds(1));

        Assert.That(await PairAsync(Dialer, window.Code), Is.TypeOf<PairingOutcome.Refused>());
        AssertNobodyIsPinned();
    }

    /// <summary>Reliability F 5. Both ends of the relay are good TLS; it passes every frame on, and knows no code.</summary>
    [Test]
    [TransportCase(43)]
    public async Task Pair_RelayWithOwnCertificates_Fails()
    {
        await Listener.ListenAsync();
        using var window = Open();
        await using var relay = await PairingRelay.StartAsync(Listener.Server.Port);

        var outcome = await PairAsync(Dialer, window.Code, $"127.0.0.1:{relay.Port}");

        Assert.That(outcome, Is.TypeOf<PairingOutcome.Refused>());
        Assert.That(relay.Passed, Is.EqualTo(3), "nonce, nonce and proof: the listener then told nothing");
        AssertNobodyIsPinned();
        Assert.That(await PairAsync(Dialer, window.Code), Is.TypeOf<PairingOutcome.Paired>(), "one try was spent, no more");
    }

    [Test]
    [TransportCase(43)]
    public async Task Pair_Replayed_ProofIsOfNoUseInAnotherExchange()
    {
        await Listener.ListenAsync();
        using var window = Open();
        var nonce = PairingExchange.NewNonce();
        byte[] proof;
        await using (var first = await StrangerAsync())
        {
            // Heard, not finished: the proof is right, and the exchange ends before the listener pins.
            using var call = Exchange(first);
            var theirs = await SendNonceAsync(call, nonce);
            var transcript = PairingExchange.Transcript(Dialer.Identity.Id, Listener.Identity.Id, nonce, theirs);
            proof = PairingExchange.DialerProof(OneTimeCode.ToKey(window.Code)!, transcript);
            await call.RequestStream.WriteAsync(Proof(proof));
            Assert.That(await call.ResponseStream.MoveNext(CancellationToken.None).DefaultTimeout(), Is.True, "right in its own exchange");
        }

        // One exchange at a time: the listener may not have heard yet that the first is over, and then refuses before any proof.
        StatusCode? answer = null;
        await Eventually.BecomesTrueAsync(async () =>
        {
            await using var second = await StrangerAsync();
            try
            {
                answer = await TryAsync(second, nonce, _ => proof);
            }
            catch (Exception e) when (e is RpcException or InvalidOperationException)
            {
                return false;
            }

            return true;
        });
        Assert.That(answer, Is.EqualTo(StatusCode.PermissionDenied));
        AssertNobodyIsPinned();
    }

    [Test]
    [TransportCase(43)]
    public async Task Pair_RolesSwapped_ListenersProofIsNoDialers()
    {
        await Listener.ListenAsync();
        using var window = Open();
        var key = OneTimeCode.ToKey(window.Code)!;
        var nonce = PairingExchange.NewNonce();
        await using var channel = await StrangerAsync();
        Assert.That(
            await TryAsync(channel, nonce, theirs => PairingExchange.ListenerProof(key, PairingExchange.Transcript(Dialer.Identity.Id, Listener.Identity.Id, nonce, theirs))),
            Is.EqualTo(StatusCode.PermissionDenied),
            "the listener's own kind of proof");

        await using var again = await StrangerAsync();
        Assert.That(
            await TryAsync(again, nonce, theirs => PairingExchange.DialerProof(key, PairingExchange.Transcript(Listener.Identity.Id, Dialer.Identity.Id, theirs, nonce))),
            Is.EqualTo(StatusCode.PermissionDenied),
            "the places of the certificates and nonces");
        AssertNobodyIsPinned();
    }

    /// <summary>Whoever listens knows no code, and sends back what it was sent.</summary>
    [Test]
    [TransportCase(43)]
    public async Task Pair_Reflected_DialerPinsNobody()
    {
        await using var mirror = await PairingRelay.StartAsync(null);

        var outcome = await PairAsync(Dialer, OneTimeCode.Make(), $"127.0.0.1:{mirror.Port}");

        Assert.That(outcome, Is.TypeOf<PairingOutcome.NotProven>());
        Assert.That(Dialer.Peers.Peers, Is.Empty);
    }

    [Test]
    public async Task Pair_OneExchangeAtATime_AndEachEndsInTime()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await Listener.ListenAsync(time);
        using var window = PairingWindow.Open(Listener.Options, Listener.Peers, "nas", time);
        await using var silent = await StrangerAsync();
        using var held = Exchange(silent);
        await SendNonceAsync(held, PairingExchange.NewNonce());

        Assert.That(await PairAsync(Dialer, window.Code), Is.TypeOf<PairingOutcome.Refused>());
        time.Advance(TimeSpan.FromSeconds(11));
        await Eventually.BecomesTrueAsync(async () => await PairAsync(Dialer, window.Code) is PairingOutcome.Paired);
    }

    [Test]
    public async Task Pair_StrangerWithOpenCode_MayCallNothingElse()
    {
        await Listener.ListenAsync();
        using var window = Open();
        await using var channel = await StrangerAsync();

        var error = Assert.CatchAsync<RpcException>(() => channel.HelloAsync(Guid.Empty))!;

        Assert.That((error.StatusCode, error.Status.Detail), Is.EqualTo((StatusCode.PermissionDenied, "")));
        using var call = Exchange(channel);
        Assert.That(
            Assert.CatchAsync<RpcException>(async () =>
            {
                await call.RequestStream.WriteAsync(new PairingFrame { Proof = new PairingProof { Name = new string('x', 5000) } });
                await call.ResponseStream.MoveNext(CancellationToken.None).DefaultTimeout();
            })!.StatusCode,
            Is.EqualTo(StatusCode.ResourceExhausted).Or.EqualTo(StatusCode.PermissionDenied),
            "more than 4 KiB");
        Assert.That(Listener.Destination.Requests, Is.Empty);
    }

    [Test]
    public async Task Pair_WithItselfOrNobody_SaysSo()
    {
        await Listener.ListenAsync();
        using var window = Open();
        Assert.That(await PairAsync(Listener, window.Code), Is.TypeOf<PairingOutcome.ThisNode>());
        Assert.That(await PairAsync(Dialer, "no code"), Is.TypeOf<PairingOutcome.NoCode>());
        Assert.That(await PairAsync(Dialer, window.Code, "127.0.0.1:1"), Is.TypeOf<PairingOutcome.Unreachable>());
    }

    private PairingWindow Open() => PairingWindow.Open(Listener.Options, Listener.Peers, "nas", PatientTime.Instance);

    private async Task<PairingOutcome> PairAsync(SecureNode node, string code, string? address = null) => await PairingClient.PairAsync(
        address ?? Listener.Address, code, node.Identity, node.Peers, node.Name, PatientTime.Instance, CancellationToken.None).DefaultTimeout();

    private void AssertNobodyIsPinned() => Assert.Multiple(() =>
    {
        Assert.That(Listener.Peers.Peers, Is.Empty);
        Assert.That(Dialer.Peers.Peers, Is.Empty);
        Assert.That(File.Exists(Listener.Options.PeersFile), Is.False);
    });

    private async Task<SecureChannel> StrangerAsync() => new(await SecureNode.KnockAsync(Listener.Server.Port, Dialer.Identity.Certificate).DefaultTimeout());

    private static AsyncDuplexStreamingCall<PairingFrame, PairingFrame> Exchange(SecureChannel channel) =>
        channel.Invoker.AsyncDuplexStreamingCall(PairingMethods.Exchange, null, default);

    private static PairingFrame Proof(byte[] mac) => new() { Proof = new PairingProof { Mac = ByteString.CopyFrom(mac), Name = "x" } };

    private static async Task<byte[]> SendNonceAsync(AsyncDuplexStreamingCall<PairingFrame, PairingFrame> call, byte[] nonce)
    {
        await call.RequestStream.WriteAsync(new PairingFrame { Nonce = new PairingNonce { Nonce = ByteString.CopyFrom(nonce) } });
        Assert.That(await call.ResponseStream.MoveNext(CancellationToken.None).DefaultTimeout(), Is.True);
        return call.ResponseStream.Current.Nonce.Nonce.ToByteArray();
    }

    private static async Task<StatusCode> TryAsync(SecureChannel channel, byte[] nonce, Func<byte[], byte[]> prove)
    {
        using var call = Exchange(channel);
        var theirs = await SendNonceAsync(call, nonce);
        await call.RequestStream.WriteAsync(Proof(prove(theirs)));
        return Assert.CatchAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None).DefaultTimeout())!.StatusCode;
    }
}
