using Microsoft.Extensions.Logging;

namespace QbSync.QBittorrent.Pipeline;

internal sealed partial class LoginLedger
{
    private static partial class Log
    {
        [LoggerMessage(
            QBittorrentEventIds.LedgerUnusable,
            LogLevel.Warning,
            "Refused logins cannot be kept over a restart, which might add further ones: {Problem}")]
        public static partial void LedgerUnusable(ILogger logger, string problem);
    }
}
