using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Destination.Finalization;

internal sealed partial class EarlyFileFinalizer
{
    private static partial class Log
    {
        [LoggerMessage(4520, LogLevel.Warning, "Torrent {Id}: file {File} has {Bad} bad pieces on the disk; they are needed again.")]
        public static partial void BadFile(ILogger logger, Torrents.InfoHash id, int file, int bad);

        [LoggerMessage(4521, LogLevel.Warning, "Torrent {Id}: file {File} keeps its partial name for now: {Reason}")]
        public static partial void CannotPublish(ILogger logger, Torrents.InfoHash id, int file, string reason);
    }
}
