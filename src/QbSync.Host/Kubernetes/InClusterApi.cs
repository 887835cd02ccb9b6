using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace QbSync.Host.Kubernetes;

/// <summary>
/// What a pod is told of the API of its own cluster, and a way to read from there. Everything is read when it is needed: the token is replaced while the pod lives.
/// </summary>
/// <param name="BaseAddress">Where the API is.</param>
/// <param name="Pod">Name of this pod.</param>
/// <param name="Namespace">Namespace of this pod.</param>
/// <param name="Account">Folder with the service account's token and the API's certificate authority.</param>
internal sealed record InClusterApi(Uri BaseAddress, string Pod, string Namespace, string Account)
{
    /// <summary>Where Kubernetes mounts a pod's service account.</summary>
    public const string DefaultAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

    // A pod's document is some ten KiB; nobody gets to fill our memory with one.
    private const int MostBytes = 4 << 20;

    /// <summary>The API of the cluster that this process runs in; null outside of one.</summary>
    public static InClusterApi? Find(IReadOnlyDictionary<string, string> environment, string account = DefaultAccount)
    {
        var host = environment.GetValueOrDefault("KUBERNETES_SERVICE_HOST", "");
        return host.Length == 0
            ? null
            : new InClusterApi(
                new UriBuilder("https", host, int.TryParse(environment.GetValueOrDefault("KUBERNETES_SERVICE_PORT", "443"), out var port) ? port : 443).Uri,
                environment.GetValueOrDefault("POD_NAME", ""),
                environment.GetValueOrDefault("POD_NAMESPACE", ""),
                account);
    }

    /// <summary>Reads the own pod's document.</summary>
    /// <exception cref="DrainGateException">What is needed for that is not there, or the API does not give it.</exception>
    public async Task<byte[]> ReadPodAsync(CancellationToken cancellationToken)
    {
        if (Pod.Length == 0 || Namespace.Length == 0)
        {
            throw new DrainGateException("POD_NAME and POD_NAMESPACE are not both set: give them to the container from metadata.name and metadata.namespace");
        }

        try
        {
            var token = (await File.ReadAllTextAsync(Path.Combine(Account, "token"), cancellationToken)).Trim();
            using var handler = MakeHandler(Path.Combine(Account, "ca.crt"));
            using var http = new HttpClient(handler) { BaseAddress = BaseAddress, MaxResponseContentBufferSize = MostBytes };
            using var request = new HttpRequestMessage(
                HttpMethod.Get, $"/api/v1/namespaces/{Uri.EscapeDataString(Namespace)}/pods/{Uri.EscapeDataString(Pod)}");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            using var answer = await http.SendAsync(request, cancellationToken);
            return answer.IsSuccessStatusCode
                ? await answer.Content.ReadAsByteArrayAsync(cancellationToken)
                : throw new DrainGateException($"the Kubernetes API answers {(int)answer.StatusCode}; the service account needs to get pods");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException or FormatException
            or System.Security.Cryptography.CryptographicException)
        {
            throw new DrainGateException(e.Message, e);
        }
    }

    /// <summary>Only the cluster's own authority counts, and no proxy of the environment is in between.</summary>
    private static SocketsHttpHandler MakeHandler(string authority)
    {
        var trusted = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trusted.CustomTrustStore.ImportFromPemFile(authority);
        return new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trusted },
        };
    }
}

/// <summary>The pod's annotation could not be read. The message is for people.</summary>
internal sealed class DrainGateException(string message, Exception? inner = null) : Exception(message, inner);
