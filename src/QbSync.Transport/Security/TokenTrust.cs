using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

/// <summary>
/// TLS in which the dialer checks the listener, by authority, pin or the system's trust, and the listener checks a token in each call.
/// </summary>
internal sealed class TokenTrust : PeerTrust
{
    private const string Scheme = "Bearer ";
    private const string ForListeners = "1.3.6.1.5.5.7.3.1";
    private readonly byte[] _digest;
    private readonly TimeProvider _time;
    private readonly CertificateFiles? _own;
    private readonly AuthorityFile? _authorities;
    private readonly PeerStore? _pins;

    public TokenTrust(SecurityOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        _digest = SHA256.HashData(Encoding.UTF8.GetBytes(options.PeerToken));
        _time = time;
        _own = options.CertificateFile.Length > 0 ? new CertificateFiles(options.CertificateFile, options.KeyFile, time, loggers) : null;
        _authorities = options.AuthorityFile.Length > 0 ? new AuthorityFile(options.AuthorityFile, time, loggers) : null;
        _pins = options.PeersFile.Length > 0 ? PeerStore.Open(options.PeersFile, time, loggers) : null;
    }

    public override event Action? Changed
    {
        add => AddOrRemove(value, isAdded: true);
        remove => AddOrRemove(value, isAdded: false);
    }

    public override bool IsMutual => false;

    public override DateTimeOffset? OwnExpiry => _own?.Current.TargetCertificate.NotAfter;

    /// <summary>Whoever knows the token.</summary>
    public static KnownPeer Holder { get; } = new("token");

    /// <summary>What a dialer sends as <c>authorization</c>. A secret.</summary>
    public static string ToHeader(string token) => Scheme + token;

    /// <summary>Whether a call's <c>authorization</c> is right. Digests are compared, so that neither length nor content shows in the time it takes.</summary>
    public bool IsRight(string? authorization)
    {
        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var given = SHA256.HashData(Encoding.UTF8.GetBytes(authorization[Scheme.Length..]));
        return CryptographicOperations.FixedTimeEquals(given, _digest);
    }

    public override bool IsTrusted(IPeerFeature peer) => peer is not PinnedPeer pinned || _pins?.Find(pinned.Id) is not null;

    /// <summary>Not known before its first call.</summary>
    public override PeerVerdict JudgeDialer(X509Certificate2? certificate, X509Certificate2Collection intermediates) =>
        PeerVerdict.Refused("A token is needed.");

    public override PeerVerdict JudgeListener(
        X509Certificate2? certificate, X509Certificate2Collection intermediates, SslPolicyErrors errors, string address, string host)
    {
        if (certificate is null)
        {
            return PeerVerdict.Refused("It showed no certificate.");
        }

        var id = NodeId.Of(certificate);
        if (_pins is { } pins && (pins.Fault is not null || pins.Peers.Count > 0))
        {
            return pins.Find(id) is { } peer && (peer.Address is null || PeerAddress.AreSame(peer.Address, address))
                ? PeerVerdict.Accepted(new PinnedPeer(id, pins))
                : PeerVerdict.Refused(pins.Fault?.Message ?? $"It is {id}, which is not pinned for {address}.");
        }

        if (_authorities is null)
        {
            return errors == SslPolicyErrors.None ? PeerVerdict.Accepted(new KnownPeer(host)) : PeerVerdict.Refused($"The system does not trust it: {errors}.");
        }

        return _authorities.WhyNot(certificate, intermediates, ForListeners, _time.GetUtcNow()) is { } reason ? PeerVerdict.Refused(reason)
            : certificate.MatchesHostname(host, allowWildcards: true, allowCommonName: false) ? PeerVerdict.Accepted(new KnownPeer(host))
            : PeerVerdict.Refused($"Its certificate is not for {host}.");
    }

    public override void Dispose() => _pins?.Dispose();

    protected override SslStreamCertificateContext OwnCertificate() =>
        _own?.Current ?? throw new InvalidOperationException("A listener needs tls-cert-file.");

    private void AddOrRemove(Action? handler, bool isAdded)
    {
        if (_pins is null)
        {
            return;
        }

        if (isAdded)
        {
            _pins.Changed += handler;
        }
        else
        {
            _pins.Changed -= handler;
        }
    }
}
