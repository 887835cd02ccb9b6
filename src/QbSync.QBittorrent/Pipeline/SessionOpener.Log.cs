using Microsoft.Extensions.Logging;

namespace QbSync.QBittorrent.Pipeline;

internal sealed partial class SessionOpener
{
    private static partial class Log
    {
        [LoggerMessage(
            QBittorrentEventIds.LoginRefused,
            LogLevel.Error,
            "qBittorrent at {Url} refused the login of '{User}': check qb-username and qb-password. {NextTry}")]
        public static partial void LoginRefused(ILogger logger, Uri url, string user, string nextTry);

        [LoggerMessage(
            QBittorrentEventIds.LoginBanned, LogLevel.Error, "qBittorrent at {Url} has banned this address for wrong logins. {NextTry}")]
        public static partial void LoginBanned(ILogger logger, Uri url, string nextTry);

        [LoggerMessage(
            QBittorrentEventIds.BasicRefused, LogLevel.Error, "{Url} refused qb-basic-auth: check its user and password. {NextTry}")]
        public static partial void BasicRefused(ILogger logger, Uri url, string nextTry);

        [LoggerMessage(
            QBittorrentEventIds.NewerThanMeasured,
            LogLevel.Warning,
            "WebAPI {Version} is newer than {Measured}, the newest this build was measured with.")]
        public static partial void NewerThanMeasured(ILogger logger, string version, string measured);
    }
}
