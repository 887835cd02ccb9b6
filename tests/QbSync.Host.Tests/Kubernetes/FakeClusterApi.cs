using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using QbSync.Host.Kubernetes;

namespace QbSync.Host.Tests.Kubernetes;

/// <summary>The API of a cluster as a pod meets it: TLS by an authority of its own, a token, and one pod. Loopback only.</summary>
internal sealed class FakeClusterApi : IAsyncDisposable
{
    public const string Pod = "seedbox-0";
    public const string Namespace = "media";
    private const string Token = "the token of the account";

    private readonly WebApplication _app;
    private readonly TempDirectory _account = new();
    private readonly CancellationTokenSource _ends = new();

    private FakeClusterApi(WebApplication app) => _app = app;

    /// <summary>The pod's annotations, as JSON.</summary>
    public string Annotations { get; set; } = "{}";

    /// <summary>What is answered instead of the pod's document; null for the document.</summary>
    public string? Document { get; set; }

    public int Status { get; set; } = 200;

    /// <summary>Whether requests are taken and never answered.</summary>
    public bool Hangs { get; set; }

    public int Requests { get; private set; }

    /// <summary>What a pod of this cluster finds in its environment.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["KUBERNETES_SERVICE_HOST"] = "127.0.0.1",
        ["KUBERNETES_SERVICE_PORT"] = new Uri(_app.Urls.First()).Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["POD_NAME"] = Pod,
        ["POD_NAMESPACE"] = Namespace,
    };

    public InClusterApi Cluster => InClusterApi.Find(Environment, _account.Path)!;

    public static async Task<FakeClusterApi> StartAsync()
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var authority = MakeAuthority(authorityKey);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, 0, listener => listener.UseHttps(MakeServer(authority))));
        var app = builder.Build();
        var api = new FakeClusterApi(app);
        await File.WriteAllTextAsync(api._account["ca.crt"], authority.ExportCertificatePem());
        await File.WriteAllTextAsync(api._account["token"], Token + "\n");
        app.Run(api.AnswerAsync);
        await app.StartAsync();
        return api;
    }

    /// <summary>Another authority than the one that signed the API's certificate.</summary>
    public async Task DistrustAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = MakeAuthority(key);
        await File.WriteAllTextAsync(_account["ca.crt"], other.ExportCertificatePem());
    }

    public void RemoveToken() => File.Delete(_account["token"]);

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _app.DisposeAsync();
        _ends.Dispose();
        _account.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Requests++;
        if (Hangs)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _ends.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
            context.Abort();
            return;
        }

        var mayRead = context.Request.Headers.Authorization == "Bearer " + Token
            && context.Request.Path == $"/api/v1/namespaces/{Namespace}/pods/{Pod}";
        context.Response.StatusCode = mayRead ? Status : StatusCodes.Status403Forbidden;
        await context.Response.WriteAsync(Document ?? $$$"""{"kind":"Pod","metadata":{"name":"{{{Pod}}}","annotations":{{{Annotations}}}},"spec":{}}""");
    }

    private static X509Certificate2 MakeAuthority(ECDsa key)
    {
        var request = new CertificateRequest("CN=cluster", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private static X509Certificate2 MakeServer(X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kubernetes", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var signed = request.Create(authority, now.AddDays(-1), now.AddHours(12), RandomNumberGenerator.GetBytes(8));
        using var pair = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), null);
    }
}
