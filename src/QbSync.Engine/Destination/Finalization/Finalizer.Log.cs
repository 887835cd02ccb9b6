using Microsoft.Extensions.Logging;
using QbSync.Outcomes;

namespace QbSync.Engine.Destination.Finalization;

internal sealed partial class Finalizer
{
    private static partial class Log
    {
        [LoggerMessage(4530, LogLevel.Information, "Torrent {Id} waits to be made final ({Reason}): {Detail}")]
        public static partial void Waits(ILogger logger, Torrents.InfoHash id, RefusalReason reason, string detail);
    }
}
