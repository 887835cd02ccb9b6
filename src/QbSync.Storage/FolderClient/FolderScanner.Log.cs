using Microsoft.Extensions.Logging;

namespace QbSync.Storage.FolderClient;

internal sealed partial class FolderScanner
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.FolderTorrentClient, LogLevel.Warning, "'{Path}' is left out, it is no torrent that can be read: {Reason}")]
        public static partial void TorrentUnreadable(ILogger logger, string path, string reason);

        [LoggerMessage(StorageEventIds.FolderTorrentClient + 1, LogLevel.Warning, "'{Path}' is left out, '{Other}' is the same torrent.")]
        public static partial void TorrentIsDuplicate(ILogger logger, string path, string other);
    }
}
