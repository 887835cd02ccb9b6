using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Source.Tracking;

internal sealed partial class PieceMonitor
{
    private static partial class Log
    {
        [LoggerMessage(4020, LogLevel.Warning, "The torrent client does not answer; trying on. {Reason}")]
        public static partial void ClientLost(ILogger logger, string reason);

        [LoggerMessage(4021, LogLevel.Information, "The torrent client answers.")]
        public static partial void ClientBack(ILogger logger);

        [LoggerMessage(4022, LogLevel.Debug, "The pieces of {Name} could not be asked for: {Reason}")]
        public static partial void PiecesUnknown(ILogger logger, string name, string reason);

        [LoggerMessage(4023, LogLevel.Warning, "The client told {Got} pieces of {Name}, which has {Expected}; ignored.")]
        public static partial void PiecesOfOtherLength(ILogger logger, string name, int got, int expected);
    }
}
