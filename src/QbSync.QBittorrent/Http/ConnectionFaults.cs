using System.Net.Sockets;
using System.Security.Authentication;

namespace QbSync.QBittorrent.Http;

/// <summary>
/// Words for a connection that failed. The framework's own may quote what came over it, a cookie for instance, so only what our side of it knows
/// is passed on.
/// </summary>
internal static class ConnectionFaults
{
    public static string Describe(HttpRequestException exception, TlsTrust? trust) => exception.InnerException switch
    {
        SocketException socket => socket.Message,
        AuthenticationException when trust?.Refused is { } shown => $"it showed the one with SHA-256 {shown}",
        AuthenticationException => "its TLS cannot be agreed on",
        _ => exception.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => "its name is not known",
            HttpRequestError.ConnectionError => "no connection",
            HttpRequestError.SecureConnectionError => "no TLS there",
            HttpRequestError.ResponseEnded => "the connection was cut",
            HttpRequestError.InvalidResponse => "something that is no HTTP",
            HttpRequestError.ConfigurationLimitExceeded => "headers without end",
            var other => other.ToString(),
        },
    };

    /// <summary>The cause, if it cannot hold what the other side sent.</summary>
    public static Exception? SafeCause(HttpRequestException exception) => exception.InnerException as SocketException;
}
