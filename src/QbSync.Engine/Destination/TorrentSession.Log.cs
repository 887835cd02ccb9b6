using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Engine.Destination;

internal sealed partial class TorrentSession
{
    private static partial class Log
    {
        [LoggerMessage(4550, LogLevel.Information, "Torrent {Id} went from {From} to {To}: {Reason}.")]
        public static partial void StateChanged(ILogger logger, InfoHash id, TorrentSessionState from, TorrentSessionState to, string reason);

        [LoggerMessage(4551, LogLevel.Error, "Torrent {Id} was to go from {From} to {To}, which is not allowed: {Reason}.")]
        public static partial void IllegalTransition(ILogger logger, InfoHash id, TorrentSessionState from, TorrentSessionState to, string reason);

        [LoggerMessage(4552, LogLevel.Warning, "Torrent {Id}: {Work} did not succeed: {Problem}")]
        public static partial void WorkFails(ILogger logger, InfoHash id, string work, string problem);

        [LoggerMessage(4553, LogLevel.Error, "Torrent {Id}: {Work} ended in an unexpected fault.")]
        public static partial void WorkFaults(ILogger logger, Exception fault, InfoHash id, string work);

        [LoggerMessage(4554, LogLevel.Information, "Torrent {Id} is refused: {Reason}, {Detail}")]
        public static partial void Refused(ILogger logger, InfoHash id, Outcomes.RefusalReason reason, string detail);

        [LoggerMessage(4555, LogLevel.Information, "Torrent {Id}: {Lost} pieces are needed again.")]
        public static partial void PiecesLost(ILogger logger, InfoHash id, int lost);

        [LoggerMessage(4556, LogLevel.Information, "Torrent {Id} is given another selection or place.")]
        public static partial void Reopens(ILogger logger, InfoHash id);

        [LoggerMessage(4557, LogLevel.Information, "Torrent {Id} was given up: {Files} unfinished files, {Bytes} bytes removed.")]
        public static partial void Discarded(ILogger logger, InfoHash id, int files, long bytes);

        [LoggerMessage(4558, LogLevel.Warning, "Torrent {Id} is complete, and the client has it no more. It is added again when the source asks.")]
        public static partial void LostByClient(ILogger logger, InfoHash id);

        [LoggerMessage(4559, LogLevel.Information, "Torrent {Id}: local content is looked at: {Found} pieces found, {Dropped} to be sent; in the way: {Conflict}.")]
        public static partial void Settled(ILogger logger, InfoHash id, int found, int dropped, string conflict);

        [LoggerMessage(4570, LogLevel.Warning, "Torrent {Id} is complete no more and read again: {Reason}.")]
        public static partial void ReadsAgain(ILogger logger, InfoHash id, string reason);

        [LoggerMessage(4571, LogLevel.Information, "Torrent {Id} is started ({Cause}).")]
        public static partial void Starts(ILogger logger, InfoHash id, Ports.StartCause cause);

        [LoggerMessage(4572, LogLevel.Warning, "Torrent {Id}: the client was lost while it was started, so whether it seeds is not known yet: {Problem}")]
        public static partial void StartUncertain(ILogger logger, InfoHash id, string problem);

        [LoggerMessage(4573, LogLevel.Warning, "Torrent {Id} was started here and shows {State}: it is stopped.")]
        public static partial void TorrentEnteredDownload(ILogger logger, InfoHash id, Ports.ClientTorrentState state);

        [LoggerMessage(4574, LogLevel.Warning, "Torrent {Id} became active in the client ({State}) before it was read back there; it is stopped.")]
        public static partial void ActiveUnsealed(ILogger logger, InfoHash id, Ports.ClientTorrentState state);
    }
}
