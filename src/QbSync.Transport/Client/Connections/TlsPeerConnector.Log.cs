using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client.Connections;

internal sealed partial class TlsPeerConnector
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.OwnConnectionRevoked, LogLevel.Information, "The connection to {Peer} was ended: it is trusted no longer.")]
        public static partial void ConnectionRevoked(ILogger logger, string peer);
    }
}
