using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

/// <summary>The user's own certificate with its chain and key. Thread-safe.</summary>
internal sealed class CertificateFiles(string certificate, string key, TimeProvider time, ILoggerFactory loggers)
{
    private readonly WatchedFiles<SslStreamCertificateContext> _files = new(
        [certificate, key], () => Load(certificate, key), time, loggers.CreateLogger<CertificateFiles>());

    public SslStreamCertificateContext Current => _files.Current;

    private static SslStreamCertificateContext Load(string certificate, string key)
    {
        var chain = PemFile.Read(certificate);
        var secret = Encoding.UTF8.GetString(PrivateFile.Read(key, isSecret: true) ?? throw PemFile.Absent(key));
        try
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPem(chain);
            var own = Certificates.Usable(X509Certificate2.CreateFromPem(chain, secret));
            return SslStreamCertificateContext.Create(own, [.. all.Skip(1)], offline: true);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new TrustException(TrustFault.Malformed, certificate, $"{certificate} and {key} are no certificate with its key, PEM: {e.Message}", e);
        }
    }
}

/// <summary>The authorities that count; no other does. Thread-safe.</summary>
internal sealed class AuthorityFile(string path, TimeProvider time, ILoggerFactory loggers)
{
    private readonly WatchedFiles<X509Certificate2Collection> _files = new([path], () => Load(path), time, loggers.CreateLogger<AuthorityFile>());

    /// <summary>Another collection each time that the file was read anew.</summary>
    public X509Certificate2Collection Current => _files.Current;

    /// <summary>Why a certificate does not count; null when it does.</summary>
    /// <param name="usage">What it has to be for, as an object identifier.</param>
    public string? WhyNot(X509Certificate2 certificate, X509Certificate2Collection intermediates, string usage, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_files.Current);
        policy.ExtraStore.AddRange(intermediates);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTimeIgnored = false;
        policy.VerificationTime = now.UtcDateTime;
        policy.ApplicationPolicy.Add(new Oid(usage));
        return chain.Build(certificate)
            ? null
            : $"Its certificate does not count: {string.Join(", ", chain.ChainStatus.Select(static status => status.Status).Distinct())}.";
    }

    private static X509Certificate2Collection Load(string path)
    {
        try
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPem(PemFile.Read(path));
            return all.Count > 0 ? all : throw new TrustException(TrustFault.Malformed, path, $"{path} holds no certificate, PEM.");
        }
        catch (CryptographicException e)
        {
            throw new TrustException(TrustFault.Malformed, path, $"{path} holds no certificates, PEM: {e.Message}", e);
        }
    }
}

/// <summary>Reads what others may read and not write.</summary>
internal static class PemFile
{
    public static string Read(string path) => Encoding.UTF8.GetString(PrivateFile.Read(path, isSecret: false) ?? throw Absent(path));

    public static TrustException Absent(string path) => new(TrustFault.Unreadable, path, $"{path} is not there.");
}
