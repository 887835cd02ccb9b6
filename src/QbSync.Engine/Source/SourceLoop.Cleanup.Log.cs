using Microsoft.Extensions.Logging;
using QbSync.Engine.Source.Handoff;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private static partial class Log
    {
        [LoggerMessage(4644, LogLevel.Information, "Short of space: on {Roots} less than {Bytes} bytes are free. Synced torrents leave, if any may.")]
        public static partial void ShortOfSpace(ILogger logger, string roots, long bytes);

        [LoggerMessage(4645, LogLevel.Warning, "Free space on {Roots} is not known, so nothing is deleted for it: {Reason}")]
        public static partial void SpaceUnknown(ILogger logger, string roots, string reason);

        [LoggerMessage(4646, LogLevel.Warning, "Space not released: what was deleted on {Roots} is not free after {Seconds} s. No further delete there for {Minutes} min.")]
        public static partial void SpaceNotReleased(ILogger logger, string roots, double seconds, double minutes);

        [LoggerMessage(4647, LogLevel.Warning, "Which torrents share files could not be found out: {Reason}")]
        public static partial void GroupsUnknown(ILogger logger, string reason);

        [LoggerMessage(4648, LogLevel.Information, "{Names} leave ({Cause}), which frees {Bytes} bytes.")]
        public static partial void GroupLeaves(ILogger logger, string names, HandoffCause cause, long bytes);

        [LoggerMessage(4649, LogLevel.Debug, "{Name} and what leaves with it ({Count} in all) stay: {Reason}.")]
        public static partial void GroupSkipped(ILogger logger, string name, int count, string reason);

        [LoggerMessage(4650, LogLevel.Debug, "No torrent leaves now: {Reason}.")]
        public static partial void NoPass(ILogger logger, string reason);

        [LoggerMessage(4651, LogLevel.Warning, "Short of space, and nothing may be deleted: {Reason}.")]
        public static partial void NothingMayGo(ILogger logger, string reason);

        [LoggerMessage(4652, LogLevel.Warning, "Upload rates could not be saved: {Reason}")]
        public static partial void UploadsNotSaved(ILogger logger, string reason);
    }
}
