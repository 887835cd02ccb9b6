using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

internal sealed partial class WatchedFiles<T>
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.FilesReloaded, LogLevel.Information, "{Path} was replaced and is in force.")]
        public static partial void FilesReloaded(ILogger logger, string path);

        [LoggerMessage(TransportEventIds.FilesNotUsable, LogLevel.Error, "What was in force stays so: {Reason}")]
        public static partial void FilesNotUsable(ILogger logger, string reason);
    }
}
