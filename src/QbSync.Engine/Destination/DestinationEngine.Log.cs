using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Destination;

public sealed partial class DestinationEngine
{
    private static partial class Log
    {
        [LoggerMessage(4560, LogLevel.Information, "The destination knows {Torrents} torrents, incarnation {Incarnation}.")]
        public static partial void Recovered(ILogger logger, int torrents, ulong incarnation);

        [LoggerMessage(4561, LogLevel.Information, "The destination has stopped; {Torrents} torrents are closed.")]
        public static partial void Stopped(ILogger logger, int torrents);
    }
}
