using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client;

internal sealed partial class PeerSession
{
    internal static partial class Log
    {
        [LoggerMessage(TransportEventIds.HelloSaid, LogLevel.Debug, "The destination at {Address} ({Software}) is of incarnation {Incarnation}.")]
        public static partial void HelloSaid(ILogger logger, string address, string software, ulong incarnation);

        [LoggerMessage(TransportEventIds.IncarnationChanged, LogLevel.Information,
            "The destination at {Address} started anew: incarnation {Incarnation}. What it holds is asked again.")]
        public static partial void IncarnationChanged(ILogger logger, string address, ulong incarnation);
    }
}
