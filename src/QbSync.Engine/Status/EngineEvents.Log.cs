using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Status;

internal sealed partial class EngineEvents
{
    private static partial class Log
    {
        [LoggerMessage(4066, LogLevel.Error, "Who listens for events failed at {Kind}.")]
        public static partial void ListenerFails(ILogger logger, EngineEventKind kind, Exception exception);
    }
}
