using Microsoft.Extensions.Logging;

namespace QbSync.Transport;

internal sealed partial class TransportMetrics
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.GaugesNotReadable, LogLevel.Warning, "The transport's gauges could not be read for a scrape; they are absent while that is so. It is not told again.")]
        public static partial void NotReadable(ILogger logger, Exception fault);
    }
}
