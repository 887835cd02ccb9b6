using Microsoft.Extensions.Logging;
using QbSync.Pieces;
using QbSync.Ports;

namespace QbSync.Engine.Source.Streaming;

internal sealed partial class PiecePump
{
    private static partial class Log
    {
        [LoggerMessage(4010, LogLevel.Debug, "Piece {Piece} is not ready to be sent: {Status}.")]
        public static partial void PieceUnread(ILogger logger, PieceRef piece, PieceReadStatus status);

        [LoggerMessage(4012, LogLevel.Debug, "The link did not take a piece: {Reason}")]
        public static partial void LinkFailed(ILogger logger, string reason);

        [LoggerMessage(4011, LogLevel.Error, "Piece {Piece} could not be sent for an unexpected reason.")]
        public static partial void PieceFailed(ILogger logger, PieceRef piece, Exception exception);
    }
}
