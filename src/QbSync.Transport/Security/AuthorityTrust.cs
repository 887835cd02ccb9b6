using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using QbSync.Ports;

namespace QbSync.Transport.Security;

/// <summary>
/// Mutual TLS with certificates of the user's authority: a chain to it alone, the usage of its end, dates, and one of the allowed names. The files are read
/// again when they change.
/// </summary>
internal sealed class AuthorityTrust : PeerTrust
{
    private const string ForDialers = "1.3.6.1.5.5.7.3.2"; // client authentication, RFC 5280 4.2.1.12
    private const string ForListeners = "1.3.6.1.5.5.7.3.1"; // server authentication
    private static readonly TimeSpan LookEach = TimeSpan.FromSeconds(1);
    private readonly IReadOnlyList<string> _allowed;
    private readonly TimeProvider _time;
    private readonly CertificateFiles _own;
    private readonly AuthorityFile _authorities;
    private readonly ITimer _looking;
    private X509Certificate2Collection _known;

    public AuthorityTrust(SecurityOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        (_allowed, _time) = ([.. options.AllowedPeers], time);
        _own = new CertificateFiles(options.CertificateFile, options.KeyFile, time, loggers);
        _authorities = new AuthorityFile(options.AuthorityFile, time, loggers);
        _known = _authorities.Current;
        _looking = time.CreateTimer(static trust => ((AuthorityTrust)trust!).Look(), this, LookEach, LookEach);
    }

    /// <summary>Raised when the authorities change; who is allowed stands in options that are read once.</summary>
    public override event Action? Changed;

    public override bool IsMutual => true;

    public override DateTimeOffset? OwnExpiry => _own.Current.TargetCertificate.NotAfter;

    public override bool IsTrusted(IPeerFeature peer) => peer is not CertifiedPeer certified || certified.WhyNot(_authorities, _time.GetUtcNow()) is null;

    public override PeerVerdict JudgeDialer(X509Certificate2? certificate, X509Certificate2Collection intermediates) =>
        Judge(certificate, intermediates, ForDialers);

    public override PeerVerdict JudgeListener(
        X509Certificate2? certificate, X509Certificate2Collection intermediates, SslPolicyErrors errors, string address, string host) =>
        Judge(certificate, intermediates, ForListeners);

    public override void Dispose() => _looking.Dispose();

    protected override SslStreamCertificateContext OwnCertificate() => _own.Current;

    private PeerVerdict Judge(X509Certificate2? certificate, X509Certificate2Collection intermediates, string usage)
    {
        if (certificate is null)
        {
            return PeerVerdict.Refused("It showed no certificate.");
        }

        if (_authorities.WhyNot(certificate, intermediates, usage, _time.GetUtcNow()) is { } reason)
        {
            return PeerVerdict.Refused(reason);
        }

        var names = SubjectNames.Read(certificate);
        return _allowed.FirstOrDefault(name => SubjectNames.Has(names, name)) is { } found
            ? PeerVerdict.Accepted(new CertifiedPeer(found, certificate, intermediates, usage))
            : PeerVerdict.Refused($"allowed-peers has none of its names: {string.Join(", ", names.Take(8).Select(Peer.ToName))}");
    }

    /// <summary>Connections live long, and who would not be accepted any more must not stay.</summary>
    private void Look()
    {
        var authorities = _authorities.Current;
        if (Interlocked.Exchange(ref _known, authorities) != authorities)
        {
            Changed?.Invoke();
        }
    }

    /// <summary>A peer, and what it showed: to be judged again by other authorities. Keeps bytes, since what TLS gave may be disposed.</summary>
    private sealed class CertifiedPeer(string name, X509Certificate2 certificate, X509Certificate2Collection intermediates, string usage) : IPeerFeature
    {
        private readonly byte[] _certificate = certificate.RawData;
        private readonly List<byte[]> _intermediates = [.. intermediates.Select(static one => one.RawData)];

        public string PeerId => name;

        public PeerGrants Grants => PeerGrants.Everything;

        public string? WhyNot(AuthorityFile authorities, DateTimeOffset now)
        {
            using var own = X509CertificateLoader.LoadCertificate(_certificate);
            var chain = new X509Certificate2Collection();
            _intermediates.ForEach(raw => chain.Add(X509CertificateLoader.LoadCertificate(raw)));
            try
            {
                return authorities.WhyNot(own, chain, usage, now);
            }
            finally
            {
                foreach (var one in chain)
                {
                    one.Dispose();
                }
            }
        }
    }
}
