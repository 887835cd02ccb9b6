using Microsoft.Extensions.Logging;
using QbSync.Ports;

namespace QbSync.Engine.Shared;

internal sealed partial class ReadBack
{
    private static partial class Log
    {
        [LoggerMessage(4590, LogLevel.Warning, "The client took the {Verb} of torrent {Id} and did not show it within {Seconds} s.")]
        public static partial void NotSeen(ILogger logger, string verb, ClientTorrentId id, double seconds);
    }
}
