using Microsoft.Extensions.Logging;

namespace QbSync.Host.Lifetime;

internal sealed partial class Reloader
{
    private static partial class Log
    {
        [LoggerMessage(HostEventIds.Reloaded, LogLevel.Information, "The configuration was read anew. Changed: {Options}.")]
        public static partial void Reloaded(ILogger logger, string options);

        [LoggerMessage(HostEventIds.ReloadRefused, LogLevel.Error, "The configuration is wrong, so everything stays as it was: {Error}")]
        public static partial void ReloadRefused(ILogger logger, string error);

        [LoggerMessage(HostEventIds.ReloadFailed, LogLevel.Error, "The configuration could not be read anew.")]
        public static partial void ReloadFailed(ILogger logger, Exception error);

        [LoggerMessage(HostEventIds.NeedsRestart, LogLevel.Warning, "--{Option} has another value now and needs restart.")]
        public static partial void NeedsRestart(ILogger logger, string option);
    }
}
