using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private static partial class Log
    {
        [LoggerMessage(StorageEventIds.TorrentStorage, LogLevel.Warning, "Piece {Piece} of torrent {Torrent} was not written: {Reason}")]
        public static partial void PieceNotWritten(ILogger logger, InfoHash torrent, int piece, string reason);

        [LoggerMessage(StorageEventIds.TorrentStorage + 1, LogLevel.Error, "Flushing '{Path}' of torrent {Torrent} failed, {Pieces} pieces are needed again: {Reason}")]
        public static partial void FlushFailed(ILogger logger, InfoHash torrent, string path, int pieces, string reason);

        [LoggerMessage(StorageEventIds.TorrentStorage + 2, LogLevel.Warning, "The partial file of '{Path}' of torrent {Torrent} vanished or was replaced, {Pieces} pieces are needed again.")]
        public static partial void FileLost(ILogger logger, InfoHash torrent, string path, int pieces);

        [LoggerMessage(StorageEventIds.TorrentStorage + 3, LogLevel.Error, "'{Path}' of torrent {Torrent} holds other bytes than a verified piece; somebody changed it. It is left alone.")]
        public static partial void FileChanged(ILogger logger, InfoHash torrent, string path);

        [LoggerMessage(StorageEventIds.TorrentStorage + 4, LogLevel.Warning, "Folders below '{Root}' cannot be flushed on this file system; entries made just before a power cut may be lost.")]
        public static partial void FolderNotSynced(ILogger logger, string root);

        [LoggerMessage(StorageEventIds.TorrentStorage + 5, LogLevel.Error, "Reading back '{Path}' of torrent {Torrent} found {Pieces} bad pieces; they are needed again.")]
        public static partial void ReadBackFailed(ILogger logger, InfoHash torrent, string path, int pieces);

        [LoggerMessage(StorageEventIds.TorrentStorage + 6, LogLevel.Debug, "Published '{Path}' of torrent {Torrent}.")]
        public static partial void FilePublished(ILogger logger, InfoHash torrent, string path);

        [LoggerMessage(StorageEventIds.TorrentStorage + 7, LogLevel.Error, "'{Path}' of torrent {Torrent} cannot be published: {Reason}")]
        public static partial void PublishRefused(ILogger logger, InfoHash torrent, string path, string reason);

        [LoggerMessage(StorageEventIds.TorrentStorage + 8, LogLevel.Warning, "Removing '{Name}' of torrent {Torrent} was left out: it is not the file that was made here.")]
        public static partial void NotOurs(ILogger logger, InfoHash torrent, string name);

        [LoggerMessage(StorageEventIds.TorrentStorage + 12, LogLevel.Warning, "What stands at '{Path}' is not the file of torrent {Torrent}; {Pieces} pieces that it brought are needed again.")]
        public static partial void FileRejected(ILogger logger, InfoHash torrent, string path, int pieces);

        [LoggerMessage(StorageEventIds.TorrentStorage + 13, LogLevel.Warning, "The link for '{Path}' of torrent {Torrent} was replaced by a file of its own; the file that it led to is left alone.")]
        public static partial void LinkReplaced(ILogger logger, InfoHash torrent, string path);

        [LoggerMessage(StorageEventIds.TorrentStorage + 14, LogLevel.Warning, "The partial file of '{Path}' of torrent {Torrent} has another name too; it is copied before it is written to.")]
        public static partial void PartialLinked(ILogger logger, InfoHash torrent, string path);

        [LoggerMessage(StorageEventIds.TorrentStorage + 15, LogLevel.Warning, "'{Path}' of torrent {Torrent} has bad pieces, so it has its hidden name again until they are replaced.")]
        public static partial void FileTakenBack(ILogger logger, InfoHash torrent, string path);

        [LoggerMessage(StorageEventIds.TorrentStorage + 16, LogLevel.Warning, "Reading {Files} changed files of torrent {Torrent} anew found {Pieces} pieces that are needed again.")]
        public static partial void Reexamined(ILogger logger, InfoHash torrent, int files, int pieces);

        [LoggerMessage(StorageEventIds.TorrentStorage + 9, LogLevel.Warning, "Unfinished files of torrent {Torrent} that are not wanted any more could not be removed; the next start does that: {Reason}")]
        public static partial void NotDropped(ILogger logger, InfoHash torrent, string reason);
    }
}
