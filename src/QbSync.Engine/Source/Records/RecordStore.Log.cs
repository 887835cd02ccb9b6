using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Records;

internal sealed partial class RecordStore
{
    private static partial class Log
    {
        [LoggerMessage(4001, LogLevel.Warning, "Record {Record} cannot be read and counts as absent.")]
        public static partial void RecordDamaged(ILogger logger, string record, Exception? exception);

        [LoggerMessage(4003, LogLevel.Warning, "{Torrent} ended the process {Times} times and fails for that; all others go on.")]
        public static partial void RecoveryFailed(ILogger logger, InfoHash torrent, int times);
    }
}
