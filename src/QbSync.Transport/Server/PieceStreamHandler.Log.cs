using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Server;

internal sealed partial class PieceStreamHandler
{
    internal static partial class Log
    {
        [LoggerMessage(TransportEventIds.StreamOpened, LogLevel.Debug, "Source {Name} opened a piece stream on connection {Slot}.")]
        public static partial void StreamOpened(ILogger logger, string name, uint slot);

        [LoggerMessage(TransportEventIds.StreamEnded, LogLevel.Debug, "A piece stream of source {Name} on connection {Slot} ended. {Cause}")]
        public static partial void StreamEnded(ILogger logger, string name, uint slot, string cause);

        [LoggerMessage(TransportEventIds.StreamBroken, LogLevel.Debug, "Source {Name} broke its piece stream on connection {Slot}. {Cause}")]
        public static partial void StreamBroken(ILogger logger, string name, uint slot, string cause);
    }
}
