using System.Security.Authentication;
using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;
using QbSync.Torrents;
using QbSync.Transport.Tests.Client;
using QbSync.Transport.Tests.EndToEnd;
using QbSync.Transport.Tests.Server;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Tests.Security;

/// <summary>Pinned mutual TLS over real sockets: who gets in, and what others see.</summary>
internal sealed class PairedTests : TwoNodes
{
    private static readonly Caller Caller = new(new Guid("6f1c2a0e-52a9-4c0f-9d5b-1f2e3d4c5b6a"), "test");

    [Test]
    public async Task Peers_ThatTrustEachOther_TalkAndAreKnownByTheirIds()
    {
        await ConnectAsync();
        var remote = Dialer.Dial(Listener.Address);

        await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
        await remote.GetStatusAsync(Caller, new StatusRequest([], false), CancellationToken.None).DefaultTimeout();

        var callers = Listener.Destination.Requests.Select(request => request.Caller).ToList();
        Assert.That(callers.Select(caller => caller.Peer), Has.All.EqualTo(Dialer.Identity.Id.ToString()));
        Assert.That(callers.Select(caller => caller.Source).Distinct().Count(), Is.EqualTo(1));
        Assert.That(callers[0].Source, Is.Not.EqualTo(Caller.Source), "a source id is the peer's own");
        Assert.That(await Listener.CountAsync("qbsync_peer_auth_failures_total", Listener.Server.Registry), Is.Zero);
    }

    /// <summary>Reliability F 1.</summary>
    [Test]
    [TransportCase(42)]
    [MetricCase("A27")]
    public async Task Tls_UnknownPeer_EveryMethod_HandshakeFails()
    {
        await Dialer.TrustAsync(Listener);
        await Listener.ListenAsync();
        var remote = Dialer.Dial(Listener.Address);
        var verbs = Verbs(remote).ToList();

        foreach (var verb in verbs)
        {
            var error = Assert.CatchAsync<PeerException>(() => verb().DefaultTimeout())!;
            Assert.That(error.Fault, Is.EqualTo(PeerFault.NotTrusted), error.Message);
            Assert.That(error.Message, Does.Contain(Dialer.Identity.Id.ToString()).And.Contain(Listener.Identity.Id.ToString()));
        }

        Assert.That(Listener.Destination.Requests, Is.Empty);
        Assert.That(await Listener.CountAsync("qbsync_peer_auth_failures_total{", Listener.Server.Registry), Is.EqualTo(verbs.Count));
        Assert.That(await Dialer.CountAsync("qbsync_peer_auth_failures_total{"), Is.EqualTo(verbs.Count));
    }

    [Test]
    [TransportCase(42)]
    [MetricCase("C27"), MetricCase("A27")]
    public async Task Stream_UnknownPeer_NeverOpens()
    {
        await Dialer.TrustAsync(Listener);
        await Listener.ListenAsync();
        var remote = Dialer.Dial(Listener.Address);

        await using var link = remote.OpenLink(Caller, new RecordingSink());
        await Eventually.BecomesTrueAsync(async () => await Dialer.CountAsync("qbsync_peer_auth_failures_total{") >= 2);

        Assert.That(link.OpenStreams, Is.Zero);
        await link.DisposeAsync().DefaultTimeout();
        Assert.That(await Dialer.CountAsync("qbsync_stream_open_errors_total{"), Is.Zero, "who is refused is told by its own count");
        Assert.That(await Listener.CountAsync("qbsync_stream_open_errors_total{", Listener.Server.Registry), Is.Zero);
        Assert.That(await Listener.CountAsync("qbsync_peer_auth_failures_total{", Listener.Server.Registry), Is.GreaterThanOrEqualTo(2));
        Assert.That(Listener.Destination.Requests, Is.Empty);
    }

    [TestCase("none")]
    [TestCase("rsa")]
    [TestCase("p384")]
    [TestCase("unknown")]
    [TestCase("unknown, TLS 1.2")]
    [TransportCase(42)]
    public async Task Certificate_ThatIsNoPeers_IsToldNoAndNothingElse(string kind)
    {
        // The listener's clock stands: it waits for its no to be heard, however late that is.
        await ConnectAsync(new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        using var certificate = kind switch
        {
            "none" => null,
            "rsa" => SecureNode.NewRsa(),
            "p384" => SecureNode.NewEcdsa(ECCurve.NamedCurves.nistP384),
            _ => SecureNode.NewEcdsa(ECCurve.NamedCurves.nistP256),
        };
        await using var ssl = await SecureNode.KnockAsync(
            Listener.Server.Port, certificate, kind.EndsWith("1.2", StringComparison.Ordinal) ? SslProtocols.Tls12 : SslProtocols.None).DefaultTimeout();

        await ssl.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        var heard = await ReadToEndAsync(ssl).DefaultTimeout();

        Assert.That(heard, Is.EqualTo(Refusal), "GOAWAY, for insufficient security");
        Assert.That(Listener.Destination.Requests, Is.Empty);
        Assert.That(await Listener.CountAsync("qbsync_peer_auth_failures_total{", Listener.Server.Registry), Is.EqualTo(1));
        await Dialer.Dial(Listener.Address).HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
    }

    [Test]
    [TransportCase(42)]
    public async Task Certificate_OfAnotherPinnedPeer_SeesNothingOfOthers()
    {
        await using var other = new SecureNode(Logs, "other");
        await Listener.TrustAsync(other);
        await other.TrustAsync(Listener);
        await ConnectAsync();
        await using var theirs = await ChannelAsync(other);
        await using var ours = await ChannelAsync(Dialer);

        var session = (await ours.HelloAsync(Caller.Source)).Session;
        var error = Assert.CatchAsync<RpcException>(() => theirs.GetStatusAsync(session))!;
        Assert.That(StatusMapping.IsHelloNeeded(error), Is.True, error.ToString());
        await theirs.HelloAsync(Caller.Source);

        var callers = Listener.Destination.Requests.Select(request => request.Caller).ToList();
        Assert.That(callers, Has.Count.EqualTo(2));
        Assert.That(callers[0].Source, Is.Not.EqualTo(callers[1].Source), "the same source id of two peers is two sources");
        Assert.That(callers.Select(caller => caller.Peer), Is.EqualTo(new[] { Dialer.Identity.Id.ToString(), other.Identity.Id.ToString() }));
    }

    /// <summary>The listener is a node that the dialer has pinned, and not the one that was paired at this address.</summary>
    [Test]
    [TransportCase(42)]
    [TransportCase(44)]
    public async Task Listener_WithAnotherPinnedPeersCertificate_IsRefusedWithBothIds()
    {
        await using var other = new SecureNode(Logs, "other");
        await Listener.TrustAsync(Dialer);
        await Listener.ListenAsync();
        await Dialer.TrustAsync(Listener, "somewhere.else:50051");
        await Dialer.TrustAsync(other, Listener.Address);

        var error = Assert.CatchAsync<PeerException>(() => Dialer.Dial(Listener.Address).HelloAsync(Caller, CancellationToken.None).AsTask().DefaultTimeout())!;

        Assert.That(error.Fault, Is.EqualTo(PeerFault.NotTrusted));
        Assert.That(error.Message, Does.Contain(Listener.Identity.Id.ToString()).And.Contain(other.Identity.Id.ToString()));
        Assert.That(Listener.Destination.Requests, Is.Empty);
        Assert.That(Dialer.Peers.Peers.Select(peer => peer.Id), Is.EquivalentTo(new[] { Listener.Identity.Id, other.Identity.Id }), "nothing is pinned by itself");
    }

    /// <summary>Reliability F 3.</summary>
    [Test]
    [TransportCase(44)]
    public async Task Tls_RemovedPeer_LosesOpenConnections([Values] bool atListener)
    {
        await ConnectAsync();
        var remote = Dialer.Dial(Listener.Address);
        var sink = new RecordingSink();
        await using var link = remote.OpenLink(Caller, sink);
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 2);

        var (store, id) = atListener ? (Listener.Peers, Dialer.Identity.Id) : (Dialer.Peers, Listener.Identity.Id);
        Assert.That(await store.RemoveAsync(id, CancellationToken.None).DefaultTimeout(), Is.True);
        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 0);

        // A call may still meet the connection that is being cut.
        await Eventually.BecomesTrueAsync(async () => await HelloFaultAsync(remote) == PeerFault.NotTrusted);
        await Eventually.BecomesTrueAsync(() => Logs.Entries.Any(entry =>
            entry.Id.Id == (atListener ? TransportEventIds.ConnectionRevoked : TransportEventIds.OwnConnectionRevoked)));
    }

    [Test]
    [TransportCase(38)]
    public async Task Way_TwoSecondsThereAndBack_HandshakesAndStreams()
    {
        await ConnectAsync();
        await using var relay = new SlowRelay(new Uri($"tcp://{Listener.Address}").Port) { Delay = TimeSpan.FromSeconds(1) };
        var remote = Dialer.Dial($"127.0.0.1:{relay.Port}");
        Listener.Destination.OnBegin = static (_, _) => (PieceAckStatus.Pending, new FakeTransfer(1000));
        var sink = new RecordingSink();
        await using var link = remote.OpenLink(Caller, sink);

        await Eventually.BecomesTrueAsync(() => link.OpenStreams == 2);
        Assert.That(await link.SendAsync(new TestSource(1, 1000), CancellationToken.None).DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
        await Eventually.BecomesTrueAsync(() => sink.Held.Count() == 1);

        // The control connection and two for pieces: with time to spare, no handshake is given up and begun anew.
        Assert.That(relay.Connections, Is.EqualTo(3));
    }

    [Test]
    [TransportCase(44)]
    public async Task Grant_Changed_NextCallObeys()
    {
        await ConnectAsync();
        var remote = Dialer.Dial(Listener.Address);
        await remote.GetStatusAsync(Caller, new StatusRequest([], false), CancellationToken.None).DefaultTimeout();
        await AskAsync(remote);
        var before = Listener.Destination.Requests.Last().Caller.Grants;

        await Listener.Peers.SetGrantsAsync(Dialer.Identity.Id, new PeerGrants { MayDelete = false, Roots = ["films"], Quota = 5 }, CancellationToken.None);
        await Eventually.BecomesTrueAsync(async () =>
        {
            await AskAsync(remote);
            return !Listener.Destination.Requests.Last().Caller.Grants.MayDelete;
        });

        var after = Listener.Destination.Requests.Last().Caller.Grants;
        Assert.That((before.MayDelete, before.Roots, before.Quota), Is.EqualTo((true, (IReadOnlyList<string>?)null, (long?)null)));
        Assert.That((after.MayStart, after.Quota), Is.EqualTo((true, (long?)5)));
        Assert.That(after.Roots, Is.EqualTo(new[] { "films" }));
        Assert.That(Listener.Destination.Requests.Count(request => request.Request is "hello"), Is.EqualTo(1), "the same session, the same connection");
    }

    [Test]
    public async Task Grant_FileDoesNotParse_RefusesEveryPeer()
    {
        Logs.Expect(TransportEventIds.PeersNotUsable);
        await ConnectAsync();
        var remote = Dialer.Dial(Listener.Address);
        await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();

        await File.WriteAllTextAsync(Listener.Options.PeersFile, "{ \"version\": 1, \"peers\": [");
        await Eventually.BecomesTrueAsync(async () => await HelloFaultAsync(remote) == PeerFault.NotTrusted);
    }

    [Test]
    public async Task Pieces_OverTls_ArriveWhole()
    {
        const int Length = 3 << 20;
        await ConnectAsync();
        Listener.Destination.OnBegin = static (_, _) => (PieceAckStatus.Pending, new FakeTransfer(Length));
        var sink = new RecordingSink();
        await using var link = Dialer.Dial(Listener.Address).OpenLink(Caller, sink);

        for (var piece = 0; piece < 8; piece++)
        {
            Assert.That(await link.SendAsync(new TestSource(piece, Length), CancellationToken.None).DefaultTimeout(), Is.EqualTo(SendOutcome.Sent));
        }

        await Eventually.BecomesTrueAsync(() => sink.Held.Count() == 8);
    }

    private static readonly byte[] Refusal = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12];

    private static IEnumerable<Func<Task>> Verbs(RemoteDestination remote)
    {
        var id = TestSource.Torrent;
        var none = CancellationToken.None;
        return
        [
            () => remote.HelloAsync(Caller, none).AsTask(),
            () => remote.GetStatusAsync(Caller, new StatusRequest([id], false), none).AsTask(),
            async () => await remote.WatchAsync(Caller, none).GetAsyncEnumerator(none).MoveNextAsync(),
            () => remote.InitAsync(Caller, Init(id), none).AsTask(),
            () => remote.FinalizeAsync(Caller, new FinalizeRequest { Id = id, SelectionFingerprint = new byte[] { 1 }, Parameters = new TorrentParameters() }, none).AsTask(),
            () => remote.ProveAsync(Caller, new ProveRequest(id, new byte[] { 1 }, new byte[] { 2 }), none).AsTask(),
            () => remote.StartAsync(Caller, new StartRequest(id, StartCause.Handoff, new TorrentParameters()), none).AsTask(),
            () => remote.WithdrawAsync(Caller, new WithdrawRequest(id), none).AsTask(),
            () => remote.ConfirmHandoffAsync(Caller, new ConfirmHandoffRequest(id, "", new byte[] { 1 }), none).AsTask(),
            () => remote.AbortAsync(Caller, new AbortRequest(id, AbortCause.Operator), none).AsTask(),
        ];
    }

    private static InitRequest Init(InfoHash id) => new()
    {
        Id = id,
        Selection = new byte[] { 0x80 },
        Place = new Place("", [], ContentLayout.Original),
        Parameters = new TorrentParameters(),
    };

    private static async Task<PeerFault?> HelloFaultAsync(RemoteDestination remote)
    {
        try
        {
            await remote.HelloAsync(Caller, CancellationToken.None).DefaultTimeout();
            return null;
        }
        catch (PeerException e)
        {
            return e.Fault;
        }
    }

    private static async Task AskAsync(RemoteDestination remote) =>
        await remote.GetStatusAsync(Caller, new StatusRequest([TestSource.Torrent], false), CancellationToken.None).DefaultTimeout();

    private static async Task<byte[]> ReadToEndAsync(Stream stream)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }

    private async Task<SecureChannel> ChannelAsync(SecureNode node) => new(await SecureNode.KnockAsync(Listener.Server.Port, node.Identity.Certificate));

    private async Task ConnectAsync(TimeProvider? time = null)
    {
        await Listener.TrustAsync(Dialer);
        await Dialer.TrustAsync(Listener);
        await Listener.ListenAsync(time);
    }
}
