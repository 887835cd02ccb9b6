using Microsoft.Extensions.Logging;

namespace QbSync.QBittorrent.Adapters;

internal sealed partial class ClientFeed
{
    private static partial class Log
    {
        [LoggerMessage(
            QBittorrentEventIds.FeedStartsOver,
            LogLevel.Debug,
            "The next poll asks for everything (full answer unasked: {Unasked}, fields lacking: {LacksFields}).")]
        public static partial void FeedStartsOver(ILogger logger, bool unasked, bool lacksFields);
    }
}
