using Microsoft.Extensions.Logging;

namespace QbSync.Host.Notifications;

internal sealed partial class Notifier
{
    private static partial class Log
    {
        [LoggerMessage(HostEventIds.TriesAgain, LogLevel.Debug, "Webhook {Receiver} at {Place} was not told of {Event}: {Problem}. It is tried again in {Seconds} s.")]
        public static partial void TriesAgain(ILogger logger, string receiver, string place, string @event, string problem, double seconds);

        [LoggerMessage(HostEventIds.Refused, LogLevel.Warning, "Webhook {Receiver} at {Place} does not take {Event}: {Problem}. It is not tried again.")]
        public static partial void Refused(ILogger logger, string receiver, string place, string @event, string problem);

        [LoggerMessage(HostEventIds.GivenUp, LogLevel.Warning, "Webhook {Receiver} at {Place} could not be told of {Event} in {Tries} tries: {Problem}.")]
        public static partial void GivenUp(ILogger logger, string receiver, string place, string @event, int tries, string problem);

        [LoggerMessage(HostEventIds.HookRan, LogLevel.Debug, "Hook {Receiver} was told of {Event}. {Output}")]
        public static partial void HookRan(ILogger logger, string receiver, string @event, string output);

        [LoggerMessage(HostEventIds.Unexpected, LogLevel.Error, "{Receiver} could not be told of {Event}, by a fault of this program.")]
        public static partial void Unexpected(ILogger logger, string receiver, string @event, Exception exception);

        [LoggerMessage(HostEventIds.HookFailed, LogLevel.Warning, "Hook {Receiver} failed at {Event}: {Problem}. {Output}")]
        public static partial void HookFailed(ILogger logger, string receiver, string @event, string problem, string output);
    }
}
