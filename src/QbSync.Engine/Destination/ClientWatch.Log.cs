using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Destination;

internal sealed partial class ClientWatch
{
    private static partial class Log
    {
        [LoggerMessage(4500, LogLevel.Information, "The torrent client answers.")]
        public static partial void ClientAnswers(ILogger logger);

        [LoggerMessage(4501, LogLevel.Warning, "The torrent client cannot be used ({Fault}): {Problem}")]
        public static partial void ClientFails(ILogger logger, ClientFault fault, string problem);
    }
}
