using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Source.Handoff;

internal sealed partial class HandoffRun
{
    private static partial class Log
    {
        [LoggerMessage(4101, LogLevel.Debug, "Handoff of {Names}: {Step}, after {Before}.")]
        public static partial void Moved(ILogger logger, string names, HandoffStep step, HandoffStep before);

        [LoggerMessage(4102, LogLevel.Warning, "Handoff of {Names} turns back at {Step}: {Reason}")]
        public static partial void TurnsBack(ILogger logger, string names, HandoffStep step, string reason);

        [LoggerMessage(4103, LogLevel.Information, "Handoff of {Names} stays open at {Step}; the next process goes on with it.")]
        public static partial void Suspended(ILogger logger, string names, HandoffStep step);

        [LoggerMessage(4104, LogLevel.Error, "Handoff of {Names}: an unexpected fault at {Step}.")]
        public static partial void Unexpected(ILogger logger, string names, HandoffStep step, Exception exception);

        [LoggerMessage(4105, LogLevel.Error, "{Name} ({Torrent}) could not be started again here: {Reason} It is tried until it works.")]
        public static partial void NotStartedAgain(ILogger logger, string name, string torrent, string reason);

        [LoggerMessage(4106, LogLevel.Information,
            "{Name} ({Torrent}) is deleted here, files included: {WithFiles}, by proof {Proof} of {Bytes} bytes that the destination read back, asked for at {ProvenAt}.")]
        public static partial void Deletes(
            ILogger logger, string name, string torrent, bool withFiles, string proof, long bytes, DateTimeOffset? provenAt);

        [LoggerMessage(4107, LogLevel.Warning, "{Names} could not be deleted here: {Reason} It is tried again after a new proof.")]
        public static partial void NotDeleted(ILogger logger, string names, string reason);

        [LoggerMessage(4108, LogLevel.Error,
            "{Name} ({Torrent}) seeds here again: the destination has not said for {Minutes} min that it stopped. It is asked until it does.")]
        public static partial void SeedsDespiteSilence(ILogger logger, string name, string torrent, double minutes);

        [LoggerMessage(4109, LogLevel.Warning, "{Name} ({Torrent}) was removed here and does not seed there: {Reason}")]
        public static partial void NotStartedThere(ILogger logger, string name, string torrent, string reason);

        [LoggerMessage(4110, LogLevel.Information, "Handoff of {Names} was left open at {Step}, begun {BegunAt}; it goes on.")]
        public static partial void Recovers(ILogger logger, string names, HandoffStep step, DateTimeOffset begunAt);

        [LoggerMessage(4111, LogLevel.Error, "Handoff of {Names}: {Step} could not be written down: {Reason}")]
        public static partial void NotNamed(ILogger logger, string names, HandoffStep step, string reason);
    }
}
