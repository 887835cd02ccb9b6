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

        [LoggerMessage(
            QBittorrentEventIds.StateIsShared,
            LogLevel.Warning,
            "Another program asks for changes under the same key or login, so whole lists are asked for instead, which costs the client more. "
                + "Give QbSync an API key or a login of its own.")]
        public static partial void StateIsShared(ILogger logger);
    }
}
