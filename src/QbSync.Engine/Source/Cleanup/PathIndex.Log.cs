using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Source.Cleanup;

internal sealed partial class PathIndex
{
    private static partial class Log
    {
        [LoggerMessage(4640, LogLevel.Debug, "The files of {Name} could not be asked for, so which torrents share files is not known: {Reason}")]
        public static partial void FilesUnknown(ILogger logger, string name, string reason);
    }
}
