using System.Net;
using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

internal sealed partial class PeerListener
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.PeerRefused, LogLevel.Warning, "A connection from {Address} was refused: {Reason}")]
        public static partial void PeerRefused(ILogger logger, IPAddress? address, string reason);

        [LoggerMessage(TransportEventIds.TooManyStrangers, LogLevel.Debug, "A connection from {Address} was closed unread: too many are not authenticated, or too many failed.")]
        public static partial void TooManyStrangers(ILogger logger, IPAddress? address);

        [LoggerMessage(TransportEventIds.PeerAccepted, LogLevel.Debug, "A connection of {Peer} was accepted.")]
        public static partial void PeerAccepted(ILogger logger, string peer);

        [LoggerMessage(TransportEventIds.ConnectionRevoked, LogLevel.Information, "A connection of {Peer} was ended: it is trusted no longer.")]
        public static partial void ConnectionRevoked(ILogger logger, string peer);
    }
}
