using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Source.Peers;

internal sealed partial class PeerWatcher
{
    private static partial class Log
    {
        [LoggerMessage(4030, LogLevel.Information, "The destination answers: {Software}.")]
        public static partial void PeerUp(ILogger logger, string software);

        [LoggerMessage(4031, LogLevel.Warning, "The destination does not answer; trying on. {Reason}")]
        public static partial void PeerDown(ILogger logger, string reason);

        [LoggerMessage(4033, LogLevel.Warning, "The destination is parked: it is asked each {Knock} min, and when the trusted peers change. {Reason}")]
        public static partial void PeerParked(ILogger logger, int knock, string reason);

        [LoggerMessage(4032, LogLevel.Debug, "Listening to the destination ended: {Reason}")]
        public static partial void WatchEnded(ILogger logger, string reason);
    }
}
