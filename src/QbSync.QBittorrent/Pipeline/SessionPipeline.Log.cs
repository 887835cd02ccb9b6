using Microsoft.Extensions.Logging;

namespace QbSync.QBittorrent.Pipeline;

internal sealed partial class SessionPipeline
{
    private static partial class Log
    {
        [LoggerMessage(QBittorrentEventIds.Connected, LogLevel.Information, "Connected to qBittorrent {Version} (WebAPI {Api}) at {Url}.")]
        public static partial void Connected(ILogger logger, string version, string api, Uri url);

        [LoggerMessage(QBittorrentEventIds.SessionEnded, LogLevel.Debug, "The login of generation {Generation} has ended.")]
        public static partial void SessionEnded(ILogger logger, int generation);
    }
}
