using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Server;

internal sealed partial class CallGate
{
    internal static partial class Log
    {
        [LoggerMessage(TransportEventIds.OverLimit, LogLevel.Warning, "{Verb} of peer {Peer} was refused unread. {Limit}")]
        public static partial void OverLimit(ILogger logger, string verb, string peer, string limit);
    }
}
