using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Server;

internal sealed partial class SyncService
{
    internal static partial class Log
    {
        [LoggerMessage(TransportEventIds.SessionOpened, LogLevel.Information, "Source {Name} ({Source}) said hello; this is incarnation {Incarnation}.")]
        public static partial void SessionOpened(ILogger logger, string name, Guid source, ulong incarnation);
    }
}
