using Microsoft.Extensions.Logging;

namespace QbSync.Storage.Hardlinks;

internal sealed partial class HardlinkRegistry
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.HardlinkRegistry, LogLevel.Warning, "The registry of links '{Path}' is damaged; it begins empty, and files are received that could have been linked.")]
        public static partial void Damaged(ILogger logger, string path);

        [LoggerMessage(StorageEventIds.HardlinkRegistry + 1, LogLevel.Warning, "The registry of links could not be saved; it is tried again with the next change: {Reason}")]
        public static partial void NotSaved(ILogger logger, string reason);
    }
}
