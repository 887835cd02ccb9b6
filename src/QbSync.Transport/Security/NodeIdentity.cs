using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace QbSync.Transport.Security;

/// <summary>
/// This node's certificate and private key, in one PEM file that its owner alone may read. Self-signed: what makes it trusted is that a peer has pinned it.
/// Thread-safe; disposed by whoever loaded it.
/// </summary>
public sealed class NodeIdentity : IDisposable
{
    private const int Years = 20;

    private NodeIdentity(X509Certificate2 certificate)
    {
        Certificate = certificate;
        Id = NodeId.Of(certificate);
    }

    /// <summary>Who this node is.</summary>
    public NodeId Id { get; }

    /// <summary>The certificate, with its private key.</summary>
    internal X509Certificate2 Certificate { get; }

    /// <summary>Reads the file, or makes it with a new key when it is absent. Of two that make it at a time both get the same.</summary>
    /// <exception cref="TrustException">It cannot be read or written, is open to others, or holds no such key.</exception>
    public static NodeIdentity LoadOrCreate(string path, TimeProvider time)
    {
        if (PrivateFile.Read(path, isSecret: true) is { } known)
        {
            return Read(path, known);
        }

        PrivateFile.TryCreate(path, Encoding.ASCII.GetBytes(Create(time.GetUtcNow())));
        return Read(path, PrivateFile.Read(path, isSecret: true) ?? throw new TrustException(TrustFault.Unreadable, path, $"{path} vanished."));
    }

    /// <summary>Reads the file; when it is absent the identity is of this process alone, and nothing is written.</summary>
    /// <exception cref="TrustException">It cannot be read, is open to others, or holds no such key.</exception>
    public static NodeIdentity LoadOrBorrow(string path, TimeProvider time) =>
        Read(path, PrivateFile.Read(path, isSecret: true) ?? Encoding.ASCII.GetBytes(Create(time.GetUtcNow())));

    /// <inheritdoc />
    public void Dispose() => Certificate.Dispose();

    private static string Create(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=qbsync", key, HashAlgorithmName.SHA256);

        // A day back, for clocks that differ; nobody who pins looks at it.
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(Years));
        return $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
    }

    private static NodeIdentity Read(string path, byte[] content)
    {
        try
        {
            var text = Encoding.UTF8.GetString(content);
            var certificate = Certificates.Usable(X509Certificate2.CreateFromPem(text, text));
            return Certificates.IsP256(certificate)
                ? new NodeIdentity(certificate)
                : throw new TrustException(TrustFault.Malformed, path, $"{path} holds no ECDSA P-256 key.");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new TrustException(TrustFault.Malformed, path, $"{path} holds no certificate with its private key, PEM: {e.Message}", e);
        }
    }
}
