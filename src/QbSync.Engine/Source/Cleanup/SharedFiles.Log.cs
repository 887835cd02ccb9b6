using Microsoft.Extensions.Logging;

namespace QbSync.Engine.Source.Cleanup;

internal sealed partial class SharedFiles
{
    private static partial class Log
    {
        [LoggerMessage(4641, LogLevel.Warning, "Nothing is deleted now, since it is not known who else uses the files: {Reason}.")]
        public static partial void NotTold(ILogger logger, string reason);

        [LoggerMessage(4642, LogLevel.Information, "Their files stay, since a torrent that stays uses some of them, too: {Names}.")]
        public static partial void FilesStay(ILogger logger, string names);
    }
}
