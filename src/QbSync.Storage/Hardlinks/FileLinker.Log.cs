using Microsoft.Extensions.Logging;

namespace QbSync.Storage.Hardlinks;

internal sealed partial class FileLinker
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.FileLinker, LogLevel.Information, "'{Path}' is gone or changed, so nothing is linked to it any more.")]
        public static partial void Stale(ILogger logger, string path);

        [LoggerMessage(StorageEventIds.FileLinker + 1, LogLevel.Warning, "'{Path}' could not be linked, so the file is received: {Reason}")]
        public static partial void NotLinked(ILogger logger, string path, string reason);
    }
}
