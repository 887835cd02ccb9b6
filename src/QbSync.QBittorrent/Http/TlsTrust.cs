using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QbSync.QBittorrent.Http;

/// <summary>
/// Which certificate of the WebUI is taken: one of the system's authorities, of the given authorities alone, or exactly the one with the
/// given fingerprint. In every case it must be valid now. Thread-safe.
/// </summary>
internal sealed class TlsTrust
{
    private readonly X509Certificate2Collection? _authorities;
    private readonly byte[]? _fingerprint;
    private readonly TimeProvider _time;
    private volatile string? _refused;

    /// <exception cref="CryptographicException">The file is not PEM of certificates.</exception>
    public TlsTrust(string? authoritiesFile, string? fingerprint, TimeProvider time)
    {
        _time = time;
        _fingerprint = fingerprint is null ? null : ReadFingerprint(fingerprint);
        if (authoritiesFile is not null)
        {
            _authorities = ReadAuthorities(authoritiesFile);
        }
    }

    /// <summary>The fingerprint of the certificate that was refused last, for people to compare.</summary>
    public string? Refused => _refused;

    /// <summary>The authorities of a file; at least one.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    /// <exception cref="CryptographicException">It is not PEM of certificates.</exception>
    public static X509Certificate2Collection ReadAuthorities(string file)
    {
        X509Certificate2Collection found = [];
        found.ImportFromPemFile(file);
        return found.Count > 0 ? found : throw new ArgumentException("There is no certificate in it.", nameof(file));
    }

    /// <summary>A SHA-256 in hexadecimal digits, with or without colons; null when it is none.</summary>
    public static byte[]? ReadFingerprint(string text)
    {
        var digits = text.Replace(":", "", StringComparison.Ordinal).Trim();
        return digits.Length == 2 * SHA256.HashSizeInBytes && digits.All(char.IsAsciiHexDigit) ? Convert.FromHexString(digits) : null;
    }

    public SslClientAuthenticationOptions CreateOptions()
    {
        var options = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = Validate };
        if (_authorities is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(_authorities);
            options.CertificateChainPolicy = policy;
        }

        return options;
    }

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            return false;
        }

        var shown = SHA256.HashData(certificate.GetRawCertData());
        var isGood = _fingerprint is null
            ? errors == SslPolicyErrors.None
            : CryptographicOperations.FixedTimeEquals(shown, _fingerprint) && IsValidNow(certificate);
        if (!isGood)
        {
            _refused = Convert.ToHexString(shown);
        }

        return isGood;
    }

    private bool IsValidNow(X509Certificate certificate)
    {
        using var whole = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        var now = _time.GetUtcNow().UtcDateTime;
        return now >= whole.NotBefore.ToUniversalTime() && now <= whole.NotAfter.ToUniversalTime();
    }
}
