using System.Security.Cryptography.X509Certificates;

namespace QbSync.Transport.Security;

/// <summary>What is asked of certificates, whoever shows them.</summary>
internal static class Certificates
{
    private const string P256 = "1.2.840.10045.3.1.7";

    /// <summary>Whether its key is of the one kind that nodes have.</summary>
    public static bool IsP256(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPublicKey();
        return key is not null && key.ExportParameters(includePrivateParameters: false).Curve.Oid?.Value == P256;
    }

    /// <summary>Windows does TLS only with a key in its store; elsewhere the certificate is as good as it is.</summary>
    public static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        if (!OperatingSystem.IsWindows())
        {
            return certificate;
        }

        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        }
    }
}
