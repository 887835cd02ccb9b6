using Microsoft.Extensions.Logging;

namespace QbSync.Transport.Server;

internal sealed partial class VerbInterceptor
{
    internal static partial class Log
    {
        [LoggerMessage(TransportEventIds.VerbFailed, LogLevel.Error, "{Verb} failed inside, id {Id}.")]
        public static partial void VerbFailed(ILogger logger, Exception exception, string verb, string id);

        [LoggerMessage(TransportEventIds.PeerBroke, LogLevel.Warning, "{Verb} was refused. {Cause}")]
        public static partial void PeerBroke(ILogger logger, string verb, string cause);

        [LoggerMessage(TransportEventIds.CallCut, LogLevel.Debug, "{Verb} was cut by its source. {Cause}")]
        public static partial void CallCut(ILogger logger, string verb, string cause);
    }
}
