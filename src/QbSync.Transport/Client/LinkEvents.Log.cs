using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client;

internal sealed partial class LinkEvents
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.LinkConnected, LogLevel.Information, "Pieces can be sent.", EventName = nameof(LinkConnected))]
        public static partial void LinkConnected(ILogger logger);

        [LoggerMessage(TransportEventIds.LinkDisconnected, LogLevel.Information,
            "No piece can be sent: no stream to the destination is open.", EventName = nameof(LinkDisconnected))]
        public static partial void LinkDisconnected(ILogger logger);

        [LoggerMessage(TransportEventIds.NotReached, LogLevel.Warning,
            "The destination at {Address} does not take piece streams; trying on: {Error}", EventName = nameof(NotReached))]
        public static partial void NotReached(ILogger logger, string address, string error);

        [LoggerMessage(TransportEventIds.AnswersTakeLonger, LogLevel.Information,
            "piece-timeout: {PieceTimeout} s is less than the destination may take to answer, so {Answers} s are waited.",
            EventName = nameof(AnswersTakeLonger))]
        public static partial void AnswersTakeLonger(ILogger logger, double pieceTimeout, double answers);

        [LoggerMessage(TransportEventIds.EventFailed, LogLevel.Error, "A link event could not be processed.", EventName = nameof(EventFailed))]
        public static partial void EventFailed(ILogger logger, Exception exception);
    }
}
