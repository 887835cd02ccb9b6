using Microsoft.Extensions.Logging;

namespace QbSync.Storage.Pieces;

public sealed partial class PieceReader
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.PieceReader, LogLevel.Debug, "A file of the content could not be read: {Error}")]
        public static partial void ReadFailed(ILogger logger, string error);
    }
}
