using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

/// <summary>
/// Decides who the other end of a TLS connection is: one way per security mode, the same for every listener and dialer of a role. Thread-safe; disposed by
/// whoever made it, after the connections.
/// </summary>
internal abstract class PeerTrust : IDisposable
{
    internal const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;
    private static readonly List<SslApplicationProtocol> Http2 = [SslApplicationProtocol.Http2];

    /// <summary>Raised when somebody who was trusted may be no longer.</summary>
    public abstract event Action? Changed;

    /// <summary>Both sides show certificates. Then the listener says first whether it takes the dialer's.</summary>
    public abstract bool IsMutual { get; }

    /// <summary>End of the own certificate; null when there is none.</summary>
    public abstract DateTimeOffset? OwnExpiry { get; }

    /// <summary>The trust of these options; null where nobody is asked.</summary>
    /// <exception cref="TrustException">A file that they name cannot be used.</exception>
    public static PeerTrust? Create(SecurityOptions options, TimeProvider time, ILoggerFactory loggers) => options.Mode switch
    {
        SecurityMode.Paired => new PinnedTrust(
            options.ReadOnly ? NodeIdentity.LoadOrBorrow(options.IdentityFile, time) : NodeIdentity.LoadOrCreate(options.IdentityFile, time),
            PeerStore.Open(options.PeersFile, time, loggers),
            new PairingFile(options.PairingPath, time, options.ReadOnly)),
        SecurityMode.CertificateAuthority => new AuthorityTrust(options, time, loggers),
        SecurityMode.Token => new TokenTrust(options, time, loggers),
        SecurityMode.Insecure => null,
    };

    /// <summary>Whether a peer that was accepted still would be.</summary>
    public abstract bool IsTrusted(IPeerFeature peer);

    /// <summary>Judges who dialed us.</summary>
    public abstract PeerVerdict JudgeDialer(X509Certificate2? certificate, X509Certificate2Collection intermediates);

    /// <summary>Judges who answered at <paramref name="host"/>.</summary>
    public abstract PeerVerdict JudgeListener(
        X509Certificate2? certificate, X509Certificate2Collection intermediates, SslPolicyErrors errors, string address, string host);

    /// <summary>
    /// TLS of a listener. Every certificate passes the handshake and is judged in it: a refusal is then told within TLS, which no alert does here, and nothing
    /// that the stranger sends is read.
    /// </summary>
    public SslServerAuthenticationOptions ListenerTls(SeenCertificate seen) => new()
    {
        ServerCertificateContext = OwnCertificate(),
        ClientCertificateRequired = IsMutual,
        AllowTlsResume = false,
        AllowRenegotiation = false,
        EnabledSslProtocols = Protocols,
        ApplicationProtocols = Http2,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
        {
            seen.Certificate = certificate is null ? null : new X509Certificate2(certificate);
            seen.Verdict = JudgeDialer(seen.Certificate, chain?.ChainPolicy.ExtraStore ?? []);
            return true;
        },
    };

    /// <summary>TLS of a dialer: the handshake fails when the listener is refused.</summary>
    public SslClientAuthenticationOptions DialerTls(SeenCertificate seen, string address, string host) => new()
    {
        TargetHost = host,
        ClientCertificateContext = IsMutual ? OwnCertificate() : null,
        AllowTlsResume = false,
        AllowRenegotiation = false,
        EnabledSslProtocols = Protocols,
        ApplicationProtocols = Http2,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
        {
            seen.Certificate = certificate is null ? null : new X509Certificate2(certificate);
            seen.Verdict = JudgeListener(seen.Certificate, chain?.ChainPolicy.ExtraStore ?? [], errors, address, host);
            return seen.Verdict.Peer is not null;
        },
    };

    /// <inheritdoc />
    public abstract void Dispose();

    /// <exception cref="TrustException">It cannot be read.</exception>
    protected abstract SslStreamCertificateContext OwnCertificate();
}
