using System.Security.Cryptography.X509Certificates;

namespace QbSync.Transport.Security;

/// <summary>What was decided about a certificate.</summary>
/// <param name="Peer">Who showed it; null when it is refused.</param>
/// <param name="Reason">Why it was refused, for our own log and user; never told to the other side.</param>
internal sealed record PeerVerdict(IPeerFeature? Peer, string Reason)
{
    public static PeerVerdict Accepted(IPeerFeature peer) => new(peer, "");

    public static PeerVerdict Refused(string reason) => new(null, reason);
}

/// <summary>What TLS saw of the other side in one handshake. Filled by the validation callback.</summary>
internal sealed class SeenCertificate
{
    public X509Certificate2? Certificate { get; set; }

    public PeerVerdict Verdict { get; set; } = PeerVerdict.Refused("It showed no certificate.");

    /// <summary>Id of the certificate; null when there was none.</summary>
    public NodeId? Id => Certificate is null ? null : NodeId.Of(Certificate);
}
