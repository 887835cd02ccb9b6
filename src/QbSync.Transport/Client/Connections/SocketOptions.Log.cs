using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client.Connections;

internal sealed partial class SocketOptions
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.CongestionRefused, LogLevel.Warning,
            "tcp-congestion: the system does not give \"{Algorithm}\"; data connections keep \"{Kept}\".", EventName = nameof(CongestionRefused))]
        public static partial void CongestionRefused(ILogger logger, string algorithm, string kept);

        [LoggerMessage(TransportEventIds.CongestionSet, LogLevel.Debug,
            "A connection's congestion control was \"{Before}\" and is \"{Algorithm}\" (round trip {Milliseconds:0} ms).", EventName = nameof(CongestionSet))]
        public static partial void CongestionSet(ILogger logger, string before, string algorithm, double milliseconds);

        [LoggerMessage(TransportEventIds.SendBufferSet, LogLevel.Debug,
            "A send buffer of {Asked} bytes was asked for, and is {Given} bytes.", EventName = nameof(SendBufferSet))]
        public static partial void SendBufferSet(ILogger logger, int asked, int given);
    }
}
