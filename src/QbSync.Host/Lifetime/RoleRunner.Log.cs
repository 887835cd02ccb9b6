using Microsoft.Extensions.Logging;

namespace QbSync.Host.Lifetime;

internal sealed partial class RoleRunner
{
    private static partial class Log
    {
        [LoggerMessage(HostEventIds.Started, LogLevel.Information, "The {Mode} {Version} runs; data {Data}, state {State}, health {Health}.")]
        public static partial void Started(ILogger logger, string mode, string version, string data, string state, Uri? health);

        [LoggerMessage(HostEventIds.SecretOnCommandLine, LogLevel.Warning, "--{Name} is seen in process lists; --{Name}-file keeps it out of them.")]
        public static partial void SecretOnCommandLine(ILogger logger, string name);

        [LoggerMessage(HostEventIds.SecretFileIsOpen, LogLevel.Warning, "--{Name}: {File} can be read by others than its owner; chmod 600 keeps the secret.")]
        public static partial void SecretFileIsOpen(ILogger logger, string name, string file);

        [LoggerMessage(HostEventIds.NobodyPaired, LogLevel.Information, "The {Mode} is paired with nobody yet: qbsync pair at the destination prints a code, which qbsync pair at the source takes.")]
        public static partial void NobodyPaired(ILogger logger, string mode);

        [LoggerMessage(HostEventIds.Insecure, LogLevel.Warning, "security=insecure: whoever can reach this machine or is on the way can read, write and delete.")]
        public static partial void Insecure(ILogger logger);

        [LoggerMessage(HostEventIds.Stopped, LogLevel.Information, "The {Mode} has stopped.")]
        public static partial void Stopped(ILogger logger, string mode);

        [LoggerMessage(HostEventIds.CouldNotStart, LogLevel.Error, "The {Mode} could not start: {Problem}")]
        public static partial void CouldNotStart(ILogger logger, string mode, string problem);

        [LoggerMessage(HostEventIds.Failed, LogLevel.Error, "The {Mode} failed; its state is kept.")]
        public static partial void Failed(ILogger logger, Exception error, string mode);
    }
}
