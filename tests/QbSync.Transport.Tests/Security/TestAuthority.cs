using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using QbSync.Testing.Machine;

namespace QbSync.Transport.Tests.Security;

/// <summary>An authority that issues what it is asked for.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly TempDirectory _folder;
    private readonly X509Certificate2 _root;

    public TestAuthority(TempDirectory folder, string name)
    {
        _folder = folder;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow.AddYears(1));
        Path = folder[$"{name}.pem"];
        File.WriteAllText(Path, _root.ExportCertificatePem());
    }

    public string Path { get; }

    public (string Certificate, string Key) Issue(string owner, string usages, params string[] names) => Issue(owner, usages, 300, names);

    /// <summary>Writes a certificate and its key; names are <c>DNS:</c>, <c>URI:</c> or <c>IP:</c>.</summary>
    public (string Certificate, string Key) Issue(string owner, string usages, int days, params string[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={owner}", key, HashAlgorithmName.SHA256);
        var usage = new OidCollection();
        foreach (var oid in usages.Split(' '))
        {
            usage.Add(new Oid(oid));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usage, true));
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            switch (name[..4])
            {
                case "DNS:":
                    builder.AddDnsName(name[4..]);
                    break;
                case "URI:":
                    builder.AddUri(new Uri(name[4..]));
                    break;
                default:
                    builder.AddIpAddress(IPAddress.Parse(name[3..]));
                    break;
            }
        }

        request.CertificateExtensions.Add(builder.Build());
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(_root, now.AddDays(-10), now.AddDays(days), RandomNumberGenerator.GetBytes(8));
        var (certificatePath, keyPath) = (_folder[$"{owner}.crt"], _folder[$"{owner}.key"]);
        File.WriteAllText(certificatePath, certificate.ExportCertificatePem());
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(keyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return (certificatePath, keyPath);
    }

    public void Dispose() => _root.Dispose();
}
