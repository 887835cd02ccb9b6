using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client;

internal sealed partial class PieceStream
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.StreamFailed, LogLevel.Debug, "Stream {Slot} failed.", EventName = nameof(StreamFailed))]
        public static partial void StreamFailed(ILogger logger, int slot, Exception exception);

        [LoggerMessage(TransportEventIds.WriteFailed, LogLevel.Debug, "Stream {Slot} did not take a frame.", EventName = nameof(WriteFailed))]
        public static partial void WriteFailed(ILogger logger, int slot, Exception exception);

        [LoggerMessage(TransportEventIds.ImpossibleReport, LogLevel.Warning,
            "The destination's report on stream {Slot} is impossible: received {Received}, credit {Credit}.", EventName = nameof(ImpossibleReport))]
        public static partial void ImpossibleReport(ILogger logger, int slot, ulong received, ulong credit);

        [LoggerMessage(TransportEventIds.ImpossibleAnswer, LogLevel.Warning,
            "The destination's answer on stream {Slot} is impossible: transfer {Transfer} never began.", EventName = nameof(ImpossibleAnswer))]
        public static partial void ImpossibleAnswer(ILogger logger, int slot, ulong transfer);

        [LoggerMessage(TransportEventIds.SinkFailed, LogLevel.Error,
            "Stream {Slot} ends because an answer could not be processed.", EventName = nameof(SinkFailed))]
        public static partial void SinkFailed(ILogger logger, int slot, Exception exception);
    }
}
