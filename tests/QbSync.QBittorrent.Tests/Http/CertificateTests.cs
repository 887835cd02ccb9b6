using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using QbSync.QBittorrent.Tests.Scripted;
using QbSync.Testing.Machine;
using QbSync.Testing.Specifications;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Http;

internal sealed class CertificateTests
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    private TempDirectory _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TempDirectory();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test, ClientCase(10)]
    public async Task Certificate_OfTheCaFile_Works()
    {
        using var authority = MakeAuthority("ours");
        using var certificate = MakeCertificate(authority, Now.AddDays(1));
        await using var client = new LoopbackClient(options => options.CaFile = Write(authority), certificate);
        Assert.That(await client.Api.GetVersionAsync(default).DefaultTimeout(), Is.EqualTo("v9.9.9"));
    }

    [TestCase(false), TestCase(true), ClientCase(10)]
    public async Task Certificate_OfTheFingerprint_Works(bool withColons)
    {
        using var certificate = MakeCertificate(null, Now.AddDays(1));
        var fingerprint = FingerprintOf(certificate);
        await using var client = new LoopbackClient(
            options => options.TlsFingerprint = withColons ? string.Join(':', fingerprint.Chunk(2).Select(static pair => new string(pair))) : fingerprint.ToLowerInvariant(),
            certificate);
        Assert.That(await client.Api.GetVersionAsync(default).DefaultTimeout(), Is.EqualTo("v9.9.9"));
    }

    [TestCase("unknown"), TestCase("other authority"), TestCase("other fingerprint"), TestCase("expired, of the authority"), TestCase("expired, of the fingerprint"), TestCase("other name")]
    [ClientCase(10)]
    public async Task Certificate_Wrong_IsUntrustedNamesTheOptionsAndSendsNothing(string what)
    {
        using var authority = MakeAuthority("ours");
        using var other = MakeAuthority("theirs");
        using var certificate = MakeCertificate(
            authority, what.StartsWith("expired", StringComparison.Ordinal) ? Now.AddDays(-1) : Now.AddDays(1), what == "other name" ? IPAddress.Parse("192.0.2.1") : IPAddress.Loopback);
        await using var client = new LoopbackClient(
            options =>
            {
                options.CaFile = what is "expired, of the authority" or "other name" ? Write(authority) : what == "other authority" ? Write(other) : null;
                options.TlsFingerprint = what == "expired, of the fingerprint" ? FingerprintOf(certificate) : what == "other fingerprint" ? new string('0', 64) : null;
                (options.Username, options.Password) = ("user", "canary");
            },
            certificate);
        var fault = Assert.ThrowsAsync<TorrentClientException>(() => client.Api.GetVersionAsync(default).DefaultTimeout())!;

        Assert.That(fault.Fault, Is.EqualTo(ClientFault.Untrusted), fault.Message);
        Assert.That(fault.Message, Does.Contain("qb-ca-file").And.Contain("qb-tls-fingerprint").And.Contain(FingerprintOf(certificate)));
        Assert.That(client.Sockets.Heads, Is.Empty);
        Assert.That(client.Metric("qbsync_circuit_breaker_state"), Is.EqualTo(1), "isolated: repeating does not mend it");
    }

    private static string FingerprintOf(X509Certificate2 certificate) => Convert.ToHexString(SHA256.HashData(certificate.RawData));

    private static X509Certificate2 MakeAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, true));
        return request.CreateSelfSigned(Now.AddDays(-30), Now.AddDays(30));
    }

    private static X509Certificate2 MakeCertificate(X509Certificate2? authority, DateTimeOffset until, IPAddress? address = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=nas", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address ?? IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        if (authority is null)
        {
            return request.CreateSelfSigned(Now.AddDays(-20), until);
        }

        using var issued = request.Create(authority, Now.AddDays(-20), until, [1, 2, 3]);
        return issued.CopyWithPrivateKey(key);
    }

    private string Write(X509Certificate2 authority)
    {
        var file = _folder["ca.pem"];
        File.WriteAllText(file, authority.ExportCertificatePem());
        return file;
    }
}
