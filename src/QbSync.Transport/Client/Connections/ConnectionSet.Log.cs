using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client.Connections;

internal sealed partial class ConnectionSet
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.GrowthTried, LogLevel.Debug,
            "One more {Kind} is tried: the link held its senders at {Rate} bytes a second.", EventName = nameof(GrowthTried))]
        public static partial void GrowthTried(ILogger logger, Pooling.GrowthKind kind, long rate);

        [LoggerMessage(TransportEventIds.GrowthKept, LogLevel.Debug, "What was added stays: {Rate} bytes a second.", EventName = nameof(GrowthKept))]
        public static partial void GrowthKept(ILogger logger, long rate);

        [LoggerMessage(TransportEventIds.GrowthUndone, LogLevel.Debug, "What was added goes again: {Rate} bytes a second.", EventName = nameof(GrowthUndone))]
        public static partial void GrowthUndone(ILogger logger, long rate);

        [LoggerMessage(TransportEventIds.ConnectionRemoved, LogLevel.Debug, "Connection {Slot} is closed.", EventName = nameof(ConnectionRemoved))]
        public static partial void ConnectionRemoved(ILogger logger, int slot);
    }
}
