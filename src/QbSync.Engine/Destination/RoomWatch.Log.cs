using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Destination;

internal sealed partial class RoomWatch
{
    private static partial class Log
    {
        [LoggerMessage(4510, LogLevel.Warning, "The disk of {Root} is full: {Free} bytes are free. Pieces wait until there is room.")]
        public static partial void Full(ILogger logger, string root, long free);

        [LoggerMessage(4511, LogLevel.Information, "There is room on the disk of {Root} again: {Free} bytes are free.")]
        public static partial void Room(ILogger logger, string root, long free);
    }
}
