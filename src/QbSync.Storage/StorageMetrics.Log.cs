using Microsoft.Extensions.Logging;

namespace QbSync.Storage;

internal sealed partial class StorageMetrics
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.StorageMetrics, LogLevel.Warning, "The storage's gauges could not be read for a scrape; they are absent while that is so. It is not told again.")]
        public static partial void NotReadable(ILogger logger, Exception fault);
    }
}
