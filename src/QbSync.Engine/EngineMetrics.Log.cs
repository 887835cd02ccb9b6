using Microsoft.Extensions.Logging;

namespace QbSync.Engine;

internal sealed partial class EngineMetrics
{
    private static partial class Log
    {
        [LoggerMessage(4980, LogLevel.Warning, "The engine's gauges could not be read for a scrape; they are absent while that is so. It is not told again.")]
        public static partial void NotReadable(ILogger logger, Exception fault);
    }
}
