using Microsoft.Extensions.Logging;

namespace QbSync.Storage.State;

internal sealed partial class StateFlusher
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.StateFlusher, LogLevel.Error, "The state of torrent {Torrent} could not be saved and stays in memory: {Reason}")]
        public static partial void FlushFailed(ILogger logger, Torrents.InfoHash torrent, string reason);
    }
}
