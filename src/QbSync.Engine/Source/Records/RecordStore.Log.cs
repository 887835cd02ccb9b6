using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Source.Records;

internal sealed partial class RecordStore
{
    private static partial class Log
    {
        [LoggerMessage(4001, LogLevel.Warning, "Record {Record} cannot be read and counts as absent.")]
        public static partial void RecordDamaged(ILogger logger, string record, Exception? exception);
    }
}
