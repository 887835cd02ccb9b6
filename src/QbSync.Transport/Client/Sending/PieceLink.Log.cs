using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client.Sending;

internal sealed partial class PieceLink
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.LinkClosing, LogLevel.Debug, "The link closes with {Pieces} pieces in flight.", EventName = nameof(LinkClosing))]
        public static partial void LinkClosing(ILogger logger, int pieces);

        [LoggerMessage(TransportEventIds.DrainTimedOut, LogLevel.Warning,
            "{Pieces} pieces were not answered before the link closed; they are sent again next time.", EventName = nameof(DrainTimedOut))]
        public static partial void DrainTimedOut(ILogger logger, int pieces);

        [LoggerMessage(TransportEventIds.SinkStuck, LogLevel.Error,
            "The link was closed while its answers are still being processed.", EventName = nameof(SinkStuck))]
        public static partial void SinkStuck(ILogger logger);

        [LoggerMessage(TransportEventIds.PiecesStale, LogLevel.Warning,
            "{Pieces} pieces were sent and not answered in time; they are due again.", EventName = nameof(PiecesStale))]
        public static partial void PiecesStale(ILogger logger, int pieces);
    }
}
