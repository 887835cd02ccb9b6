using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Source.Handoff;

internal sealed partial class HandoffJournal
{
    private static partial class Log
    {
        [LoggerMessage(4100, LogLevel.Error, "The handoff journal {Entry} cannot be read; its torrents are settled by what both sides show.")]
        public static partial void EntryDamaged(ILogger logger, string entry, Exception? exception);
    }
}
