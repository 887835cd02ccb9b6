using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

public sealed partial class PeerStore
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.PeersRead, LogLevel.Information, "{Path}: {Count} peers are trusted.")]
        public static partial void PeersRead(ILogger logger, string path, int count);

        [LoggerMessage(TransportEventIds.PeersNotUsable, LogLevel.Error, "No peer is trusted: {Reason}")]
        public static partial void PeersNotUsable(ILogger logger, string reason);
    }
}
