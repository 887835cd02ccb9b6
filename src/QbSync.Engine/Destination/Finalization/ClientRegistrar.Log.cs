using Microsoft.Extensions.Logging;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Finalization;

internal sealed partial class ClientRegistrar
{
    private static partial class Log
    {
        [LoggerMessage(4540, LogLevel.Warning, "Torrent {Id} became active in the client by itself ({State}); it is stopped.")]
        public static partial void ActiveByItself(ILogger logger, InfoHash id, ClientTorrentState state);

        [LoggerMessage(4541, LogLevel.Warning, "Tags or category of client torrent {Id} could not be set: {Problem}. It is tried again.")]
        public static partial void MarkNotSeen(ILogger logger, ClientTorrentId id, string problem);

        [LoggerMessage(4542, LogLevel.Information, "Torrent {Id} is added to the client, saved at {SavePath}, {How}.")]
        public static partial void Adds(ILogger logger, InfoHash id, string savePath, string how);

        [LoggerMessage(4543, LogLevel.Warning, "The client did not take torrent {Id} (try {Try}).")]
        public static partial void NotTaken(ILogger logger, InfoHash id, int @try);

        [LoggerMessage(4544, LogLevel.Warning, "Category {Category} could not be made at the client: {Problem}")]
        public static partial void NoCategory(ILogger logger, string category, string problem);

        [LoggerMessage(4545, LogLevel.Information, "The client checks torrent {Id}.")]
        public static partial void Checks(ILogger logger, InfoHash id);

        [LoggerMessage(4546, LogLevel.Information, "The client moves torrent {Id} from {SavePath} to {Wanted}.")]
        public static partial void Moves(ILogger logger, InfoHash id, string savePath, string wanted);
    }
}
