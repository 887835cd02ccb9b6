using Microsoft.Extensions.Logging;

namespace QbSync.QBittorrent.Adapters;

internal sealed partial class StatusMapper
{
    private static partial class Log
    {
        [LoggerMessage(
            QBittorrentEventIds.UnknownState,
            LogLevel.Warning,
            "The client calls a state '{Word}', which is new; such torrents are left alone.")]
        public static partial void UnknownState(ILogger logger, string word);
    }
}
