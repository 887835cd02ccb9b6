using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.FolderClient;

public sealed partial class FolderTorrentClient
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.FolderTorrentClient + 2, LogLevel.Debug, "Found the torrent {Torrent} as '{Path}'.")]
        public static partial void TorrentFound(ILogger logger, ClientTorrentId torrent, string path);

        [LoggerMessage(StorageEventIds.FolderTorrentClient + 3, LogLevel.Debug, "The torrent {Torrent} was taken out of the folder.")]
        public static partial void TorrentGone(ILogger logger, ClientTorrentId torrent);

        [LoggerMessage(StorageEventIds.FolderTorrentClient + 4, LogLevel.Debug, "The torrent {Torrent} is complete on disk.")]
        public static partial void TorrentComplete(ILogger logger, ClientTorrentId torrent);

        [LoggerMessage(StorageEventIds.FolderTorrentClient + 5, LogLevel.Warning, "Files of the torrent {Torrent} are missing below '{Folder}'; recheck it when they are back.")]
        public static partial void FilesMissing(ILogger logger, ClientTorrentId torrent, string folder);

        [LoggerMessage(StorageEventIds.FolderTorrentClient + 6, LogLevel.Warning, "What was known of the torrent {Torrent} cannot be read, it begins anew, stopped: {Reason}")]
        public static partial void RecordLost(ILogger logger, InfoHash torrent, string reason);

        [LoggerMessage(StorageEventIds.FolderTorrentClient + 7, LogLevel.Warning, "The record of the torrent {Torrent} could not be written: {Reason}")]
        public static partial void RecordNotSaved(ILogger logger, ClientTorrentId torrent, string reason);

        [LoggerMessage(StorageEventIds.FolderTorrentClient + 8, LogLevel.Warning, "'{Path}' waits, what is known of it cannot be read now: {Reason}")]
        public static partial void TorrentNotLoaded(ILogger logger, string path, string reason);
    }
}
