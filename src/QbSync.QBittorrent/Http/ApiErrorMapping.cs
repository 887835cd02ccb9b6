using System.Net;
using System.Security.Authentication;
using QbSync.QBittorrent.Pipeline;

namespace QbSync.QBittorrent.Http;

/// <summary>Turns statuses and broken connections into faults. The status and the endpoint decide, never a text.</summary>
internal static class ApiErrorMapping
{
    public static ClientFault OfStatus(HttpStatusCode status, ApiOperation operation, bool namesTorrent) => status switch
    {
        >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest => ClientFault.Redirected,
        HttpStatusCode.Unauthorized => ClientFault.HostRefused,
        HttpStatusCode.Forbidden => ClientFault.Forbidden,
        HttpStatusCode.NotFound when namesTorrent => ClientFault.NotFound,
        HttpStatusCode.NotFound when operation is ApiOperation.GetWebApiVersion or ApiOperation.Login => ClientFault.NotAWebApi,
        HttpStatusCode.NotFound => ClientFault.Unsupported,
        HttpStatusCode.Conflict => ClientFault.Conflict,
        HttpStatusCode.BadRequest or HttpStatusCode.MethodNotAllowed or HttpStatusCode.RequestEntityTooLarge
            or HttpStatusCode.UnsupportedMediaType => ClientFault.Rejected,
        HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable => ClientFault.Busy,
        _ => ClientFault.ServerError,
    };

    /// <param name="mayHaveArrived">Whether the request may have reached the client.</param>
    public static ClientFault OfConnection(HttpRequestException exception, out bool mayHaveArrived)
    {
        mayHaveArrived = exception.HttpRequestError is not (HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError);
        return exception.HttpRequestError switch
        {
            HttpRequestError.SecureConnectionError when exception.InnerException is AuthenticationException => ClientFault.Untrusted,
            HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded => ClientFault.BrokenAnswer,
            _ => ClientFault.Unreachable,
        };
    }

    public static string Describe(ClientFault fault, ApiOperation operation, Uri url, string detail) => fault switch
    {
        ClientFault.Unreachable => $"qBittorrent at {url} cannot be reached ({detail}); see qb-url.",
        ClientFault.Timeout => $"qBittorrent at {url} did not answer {operation} within {detail}; see qb-timeout.",
        ClientFault.Untrusted => $"The certificate of {url} is not trusted ({detail}); name its authority by qb-ca-file, or itself by qb-tls-fingerprint.",
        ClientFault.Redirected => $"{url} answers {operation} with a redirect to {detail}; set qb-url to the WebUI itself.",
        ClientFault.NotAWebApi => $"{url} is not a qBittorrent WebUI ({detail}); see qb-url.",
        ClientFault.HostRefused => $"qBittorrent refuses the host or port of {url} ({detail}): allow them in its WebUI, or change qb-url.",
        ClientFault.Forbidden => $"qBittorrent at {url} forbids {operation} despite the login; does a proxy strip cookies?",
        ClientFault.NotFound => $"qBittorrent at {url} does not know the torrent of {operation}.",
        ClientFault.Unsupported => $"qBittorrent at {url} has no {operation}.",
        _ => $"qBittorrent at {url} answered {operation} with {detail}.",
    };
}
