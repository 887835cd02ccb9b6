using Microsoft.Extensions.Logging;

namespace QbSync.QBittorrent;

internal sealed partial class QBittorrentMetrics
{
    private static partial class Log
    {
        [LoggerMessage(QBittorrentEventIds.GaugesNotReadable, LogLevel.Warning, "The client's gauges could not be read for a scrape; they are absent while that is so. It is not told again.")]
        public static partial void NotReadable(ILogger logger, Exception fault);
    }
}
