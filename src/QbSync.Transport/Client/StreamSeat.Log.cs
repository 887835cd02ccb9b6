using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client;

internal sealed partial class StreamSeat
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.PieceStreamOpened, LogLevel.Debug, "Stream {Slot} is open.", EventName = nameof(PieceStreamOpened))]
        public static partial void PieceStreamOpened(ILogger logger, int slot);

        [LoggerMessage(TransportEventIds.PieceStreamEnded, LogLevel.Debug, "Stream {Slot} ended: {Cause}.", EventName = nameof(PieceStreamEnded))]
        public static partial void PieceStreamEnded(ILogger logger, int slot, StreamEnd cause);

        [LoggerMessage(TransportEventIds.PieceStreamNotOpened, LogLevel.Debug,
            "Stream {Slot} could not be opened: {Error}", EventName = nameof(PieceStreamNotOpened))]
        public static partial void PieceStreamNotOpened(ILogger logger, int slot, string error);
    }
}
