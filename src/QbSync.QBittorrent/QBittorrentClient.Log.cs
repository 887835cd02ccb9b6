using Microsoft.Extensions.Logging;

namespace QbSync.QBittorrent;

public sealed partial class QBittorrentClient
{
    private static partial class Log
    {
        [LoggerMessage(QBittorrentEventIds.ClientIsolated, LogLevel.Warning, "Calls to qBittorrent at {Url} are held back: {Reason}")]
        public static partial void ClientIsolated(ILogger logger, Uri url, string? reason);

        [LoggerMessage(
            QBittorrentEventIds.ClientUnavailable,
            LogLevel.Warning,
            "qBittorrent at {Url} is unavailable and is asked again every few seconds: {Reason}")]
        public static partial void ClientUnavailable(ILogger logger, Uri url, string? reason);

        [LoggerMessage(QBittorrentEventIds.CredentialsChanged, LogLevel.Information, "Other credentials for qBittorrent at {Url} were found and are tried.")]
        public static partial void CredentialsChanged(ILogger logger, Uri url);

        [LoggerMessage(QBittorrentEventIds.ClientBack, LogLevel.Information, "qBittorrent at {Url} answers again.")]
        public static partial void ClientBack(ILogger logger, Uri url);
    }
}
