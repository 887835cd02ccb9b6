using Microsoft.Extensions.Logging;

namespace QbSync.Storage.State;

public sealed partial class DurableRecords
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.DurableRecords, LogLevel.Error, "The record '{Path}' is damaged; it was set aside as '{Aside}' and counts as absent.")]
        public static partial void RecordDamaged(ILogger logger, string path, string aside);
    }
}
