using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Maintenance;

internal sealed partial class OrphanSweeper
{
    private static partial class Log
    {
        [LoggerMessage(4580, LogLevel.Warning, "No source has asked for unfinished torrent {Id} for {Age}; its {Bytes} bytes were removed.")]
        public static partial void Removed(ILogger logger, InfoHash id, TimeSpan age, long bytes);

        [LoggerMessage(4581, LogLevel.Information, "No source has asked for unfinished torrent {Id} for {Age} ({Bytes} bytes): {Paths}")]
        public static partial void Listed(ILogger logger, InfoHash id, TimeSpan age, long bytes, string paths);

        [LoggerMessage(4582, LogLevel.Information, "No source has asked for torrent {Id} for {Age}; it lacks nothing and is made final.")]
        public static partial void Finalizes(ILogger logger, InfoHash id, TimeSpan age);

        [LoggerMessage(4583, LogLevel.Information, "No torrent knows {Path}: {What}.")]
        public static partial void Leftover(ILogger logger, string path, string what);

        [LoggerMessage(4584, LogLevel.Warning, "What no torrent knows could not be looked for: {Problem}")]
        public static partial void CannotSweep(ILogger logger, string problem);
    }
}
