using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

public sealed partial class TorrentStore
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.TorrentStore, LogLevel.Error, "The state of torrent {Torrent} could not be saved at the stop; pieces since the last save will be needed again: {Reason}")]
        public static partial void NotSaved(ILogger logger, InfoHash torrent, string reason);

        [LoggerMessage(StorageEventIds.TorrentStore + 1, LogLevel.Warning, "The mark of a clean stop could not be left: {Reason}")]
        public static partial void NoCleanMark(ILogger logger, string reason);

        [LoggerMessage(StorageEventIds.TorrentStore + 2, LogLevel.Error, "Torrent {Torrent} could not be recovered and is left alone until the next start: {Reason}")]
        public static partial void NotRecovered(ILogger logger, InfoHash torrent, string reason);

        [LoggerMessage(StorageEventIds.TorrentStore + 3, LogLevel.Error, "The state of torrent {Torrent} is damaged; it was moved to '{Folder}' in the state folder and is not used.")]
        public static partial void Quarantined(ILogger logger, InfoHash torrent, string folder);

        [LoggerMessage(StorageEventIds.TorrentStore + 4, LogLevel.Error, "Recovering torrent {Torrent} ended the process {Attempts} times, so its state is set aside.")]
        public static partial void SetAside(ILogger logger, InfoHash torrent, int attempts);

        [LoggerMessage(StorageEventIds.TorrentStore + 5, LogLevel.Information, "Removed '{Path}', which no torrent owns.")]
        public static partial void LeftoverRemoved(ILogger logger, string path);

        [LoggerMessage(StorageEventIds.TorrentStore + 6, LogLevel.Warning, "'{Path}', which no torrent owns, could not be removed: {Reason}")]
        public static partial void LeftoverKept(ILogger logger, string path, string reason);
    }
}
