using Microsoft.Extensions.Logging;
using QbSync.Engine.Plans;
using QbSync.Torrents;

namespace QbSync.Engine;

public sealed partial class SourceDryRun
{
    private static partial class Log
    {
        [LoggerMessage(4600, LogLevel.Information, "Dry run: what would be done is said here, and nothing is done.")]
        public static partial void Began(ILogger logger);

        [LoggerMessage(
            4601,
            LogLevel.Information,
            "{Name} ({Torrent}): {Action}, since {Reason}; {BytesToSend} bytes to send, {BytesToLink} to link, {BytesToFree} to free.")]
        public static partial void Line(
            ILogger logger, string name, InfoHash torrent, PlanAction action, string reason, long bytesToSend, long bytesToLink, long bytesToFree);

        [LoggerMessage(4602, LogLevel.Information, "{Name} ({Torrent}): no longer there.")]
        public static partial void Gone(ILogger logger, string name, InfoHash torrent);

        [LoggerMessage(4603, LogLevel.Information, "{Torrents} torrents: {BytesToSend} bytes to send, {BytesToLink} to link, {BytesToFree} to free.")]
        public static partial void Sums(ILogger logger, int torrents, long bytesToSend, long bytesToLink, long bytesToFree);

        [LoggerMessage(4604, LogLevel.Warning, "The client or the destination could not be asked: {Problem}")]
        public static partial void NotAsked(ILogger logger, string problem);
    }
}
