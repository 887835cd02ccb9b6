using Microsoft.Extensions.Logging;

namespace QbSync.Host.Lifetime;

internal abstract partial class RoleNode
{
    private static partial class Log
    {
        [LoggerMessage(HostEventIds.NoControlSocket, LogLevel.Warning, "There is no control socket, so commands cannot ask this process: {Problem}")]
        public static partial void NoControlSocket(ILogger logger, string problem);
    }
}
