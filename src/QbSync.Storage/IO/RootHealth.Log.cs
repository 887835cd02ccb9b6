using Microsoft.Extensions.Logging;

namespace QbSync.Storage.IO;

internal sealed partial class RootHealth
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.RootHealth, LogLevel.Error, "The device of '{Path}' fails; nothing is written to it until a probe succeeds: {Reason}")]
        public static partial void Broken(ILogger logger, string path, string reason);

        [LoggerMessage(StorageEventIds.RootHealth + 1, LogLevel.Warning, "The device of '{Path}' can be written to again.")]
        public static partial void Healed(ILogger logger, string path);
    }
}
