using Microsoft.Extensions.Logging;

namespace QbSync.QBittorrent.Pipeline;

internal sealed partial class SessionPipeline
{
    private static partial class Log
    {
        [LoggerMessage(QBittorrentEventIds.Connected, LogLevel.Information, "Connected to qBittorrent {Version} (WebAPI {Api}) at {Url}.")]
        public static partial void Connected(ILogger logger, string version, string api, Uri url);

        [LoggerMessage(
            QBittorrentEventIds.EndpointLacking,
            LogLevel.Warning,
            "qBittorrent {Version} (WebAPI {Api}) at {Url} has no {Endpoint}, though its version should; {Other} is used instead until the next login.")]
        public static partial void EndpointLacking(ILogger logger, string version, string api, Uri url, string endpoint, string other);

        [LoggerMessage(QBittorrentEventIds.SessionEnded, LogLevel.Debug, "The login of generation {Generation} has ended.")]
        public static partial void SessionEnded(ILogger logger, int generation);
    }
}
