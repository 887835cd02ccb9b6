using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Client.Connections;

internal sealed partial class ControlConnection
{
    private static partial class Log
    {
        [LoggerMessage(TransportEventIds.ControlReplaced, LogLevel.Information,
            "The destination at {Address} does not answer on the connection that there is; the next call makes another.", EventName = nameof(ControlReplaced))]
        public static partial void ControlReplaced(ILogger logger, string address);
    }
}
