using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Records;

internal sealed partial class RecordWriter
{
    private static partial class Log
    {
        [LoggerMessage(4002, LogLevel.Warning, "The record of {Torrent} could not be written: {Reason}")]
        public static partial void RecordNotWritten(ILogger logger, InfoHash torrent, string reason);
    }
}
