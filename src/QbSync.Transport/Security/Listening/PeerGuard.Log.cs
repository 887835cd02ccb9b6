using System.Net;
using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Security;

internal sealed partial class PeerGuard
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.TokenRefused, LogLevel.Warning, "A call from {Address} was refused: its token is missing or wrong.")]
        public static partial void TokenRefused(ILogger logger, IPAddress? address);
    }
}
