using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Source.Cleanup;

internal sealed partial class SpaceSampler
{
    private static partial class Log
    {
        [LoggerMessage(4643, LogLevel.Warning, "Free space could not be looked at: {Reason}")]
        public static partial void NotSampled(ILogger logger, string reason);
    }
}
