using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QbSync.Transport.Security;

/// <summary>
/// Mutual TLS with pinned self-signed certificates. A pin has no chain, name or date: the hash of the certificate is all. A dialer accepts exactly the peer that
/// was paired at its address or, when none was, the only peer it has.
/// </summary>
internal sealed class PinnedTrust(NodeIdentity identity, PeerStore peers, PairingFile pairing) : PeerTrust
{
    private readonly SslStreamCertificateContext _own = SslStreamCertificateContext.Create(identity.Certificate, null, offline: true);

    public override event Action? Changed
    {
        add => peers.Changed += value;
        remove => peers.Changed -= value;
    }

    public override bool IsMutual => true;

    public override DateTimeOffset? OwnExpiry => identity.Certificate.NotAfter;

    /// <summary>This node.</summary>
    public NodeId Id => identity.Id;

    public PeerStore Peers => peers;

    public PairingFile Pairing => pairing;

    public override bool IsTrusted(IPeerFeature peer) => peer is PinnedPeer pinned && peers.Find(pinned.Id) is not null;

    public override PeerVerdict JudgeDialer(X509Certificate2? certificate, X509Certificate2Collection intermediates)
    {
        if (Refuse(certificate) is { } refusal)
        {
            return refusal;
        }

        var id = NodeId.Of(certificate!);
        return Pin(peers.Find(id), id) is { } peer
            ? PeerVerdict.Accepted(peer)
            : PeerVerdict.Refused(peers.Fault is { } fault ? fault.Message : $"{id} is not paired.");
    }

    public override PeerVerdict JudgeListener(
        X509Certificate2? certificate, X509Certificate2Collection intermediates, SslPolicyErrors errors, string address, string host)
    {
        if (Refuse(certificate) is { } refusal)
        {
            return refusal;
        }

        var id = NodeId.Of(certificate!);
        if (Expected(address) is not { } expected)
        {
            return PeerVerdict.Refused(
                peers.Fault is { } fault ? fault.Message : $"It is {id}, and nobody was paired at {address}: qbsync pair. This node is {identity.Id}.");
        }

        return Pin(expected, id) is { } peer
            ? PeerVerdict.Accepted(peer)
            : PeerVerdict.Refused($"It is {id}, and {expected.Id} was paired. If its identity was made anew, remove the old one and pair again.");
    }

    public override void Dispose()
    {
        peers.Dispose();
        identity.Dispose();
    }

    protected override SslStreamCertificateContext OwnCertificate() => _own;

    private static PeerVerdict? Refuse(X509Certificate2? certificate) =>
        certificate is null ? PeerVerdict.Refused("It showed no certificate.")
        : Certificates.IsP256(certificate) ? null
        : PeerVerdict.Refused("Its key is not ECDSA P-256.");

    private Peer? Expected(string address)
    {
        var all = peers.Peers;
        return all.FirstOrDefault(peer => PeerAddress.AreSame(peer.Address, address)) ?? (all.Count == 1 ? all[0] : null);
    }

    private PinnedPeer? Pin(Peer? peer, NodeId id) =>
        peer is not null && CryptographicOperations.FixedTimeEquals(peer.Id.ToBytes(), id.ToBytes()) ? new PinnedPeer(id, peers) : null;
}
