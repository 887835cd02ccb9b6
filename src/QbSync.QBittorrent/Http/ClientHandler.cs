using System.Net;
using System.Net.Security;

namespace QbSync.QBittorrent.Http;

/// <summary>How we name ourselves.</summary>
internal static class UserAgent
{
    public static readonly string Value = "qbsync/" + (typeof(UserAgent).Assembly.GetName().Version?.ToString(3) ?? "0");
}

/// <summary>The connection settings that qBittorrent's server needs.</summary>
internal static class ClientHandler
{
    public static SocketsHttpHandler Create(Uri url, TlsTrust? trust = null) => new()
    {
        SslOptions = trust?.CreateOptions() ?? new SslClientAuthenticationOptions(),

        // The server cuts idle connections at 7 s; letting go before avoids sending into a closing one.
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        MaxConnectionsPerServer = 6,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        AutomaticDecompression = DecompressionMethods.GZip,
        AllowAutoRedirect = false,
        UseCookies = true,
        CookieContainer = new CookieContainer(),
        ActivityHeadersPropagator = null,
        UseProxy = !url.IsLoopback,
    };
}
