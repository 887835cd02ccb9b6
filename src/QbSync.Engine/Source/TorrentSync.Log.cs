using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

internal sealed partial class TorrentSync
{
    private static partial class Log
    {
        [LoggerMessage(4040, LogLevel.Debug, "{Name} ({Torrent}) begins as {State}: {Reason}.")]
        public static partial void Began(ILogger logger, string name, InfoHash torrent, TorrentSyncState state, string reason);

        [LoggerMessage(4041, LogLevel.Information, "{Name} ({Torrent}): {From} -> {To}, {Reason}.")]
        public static partial void Changed(ILogger logger, string name, InfoHash torrent, TorrentSyncState from, TorrentSyncState to, string reason);

        [LoggerMessage(4042, LogLevel.Error, "{Name} ({Torrent}): {From} -> {To} is not allowed and was refused ({Reason}).")]
        public static partial void TransitionRefused(
            ILogger logger, string name, InfoHash torrent, TorrentSyncState from, TorrentSyncState to, string reason);
    }
}
