using Microsoft.Extensions.Logging;
using QbSync.Torrents;

namespace QbSync.Engine.Source;

internal sealed partial class SourceLoop
{
    private static partial class Log
    {
        [LoggerMessage(4050, LogLevel.Information, "{Name} ({Torrent}) is gone from the client.")]
        public static partial void Removed(ILogger logger, string name, InfoHash torrent);

        [LoggerMessage(4051, LogLevel.Warning, "{Name} ({Torrent}) waits: {Reason}")]
        public static partial void Held(ILogger logger, string name, InfoHash torrent, string reason);

        [LoggerMessage(4052, LogLevel.Warning, "{Name} ({Torrent}) got strike {Strikes} of {Limit}: {Reason}")]
        public static partial void Strike(ILogger logger, string name, InfoHash torrent, int strikes, int limit, string reason);

        [LoggerMessage(4053, LogLevel.Warning, "The destination's disk is full; pieces wait for room there.")]
        public static partial void DestinationFull(ILogger logger);

        [LoggerMessage(4054, LogLevel.Information, "The destination has room again.")]
        public static partial void DestinationHasRoom(ILogger logger);

        [LoggerMessage(4055, LogLevel.Error, "{Name} ({Torrent}): an unexpected fault.")]
        public static partial void Unexpected(ILogger logger, string name, InfoHash torrent, Exception exception);

        [LoggerMessage(4056, LogLevel.Warning, "{Pieces} pieces were in flight and not answered when the source stopped; they are sent again after a restart.")]
        public static partial void PiecesLost(ILogger logger, int pieces);

        [LoggerMessage(4057, LogLevel.Error, "The record of {Torrent} has a state that it cannot begin with; it is asked for anew.")]
        public static partial void RecordUnusable(ILogger logger, InfoHash torrent);

        [LoggerMessage(4058, LogLevel.Information, "{Rate} bytes a second may be sent from now on; 0 is no limit.")]
        public static partial void RateChanged(ILogger logger, long rate);

        [LoggerMessage(4120, LogLevel.Error, "Handoff {Number} ended by a fault; its entry stays open for the next start.")]
        public static partial void HandoffFaulted(ILogger logger, long number, Exception exception);

        [LoggerMessage(4121, LogLevel.Warning, "{Name} ({Torrent}) is active on both sides; the destination, which we had started, is stopped.")]
        public static partial void TakesBack(ILogger logger, string name, InfoHash torrent);

        [LoggerMessage(4122, LogLevel.Warning, "{Name} ({Torrent}) is active on both sides, there by its user's doing; nothing is stopped.")]
        public static partial void SeedsTwice(ILogger logger, string name, InfoHash torrent);

        [LoggerMessage(4123, LogLevel.Warning, "{Name} ({Torrent}) was started at the destination and shows {State} there; it is looked at again.")]
        public static partial void NotWholeThere(ILogger logger, string name, InfoHash torrent, QbSync.Ports.ClientTorrentState state);

        [LoggerMessage(4069, LogLevel.Warning, "{Name} ({Torrent}) gets the names of its .torrent at the destination, not those that its files have here.")]
        public static partial void OwnNames(ILogger logger, string name, InfoHash torrent);

        [LoggerMessage(4059, LogLevel.Debug, "What the destination holds could not be asked again. {Reason}")]
        public static partial void NotHealed(ILogger logger, string reason);

        [LoggerMessage(4060, LogLevel.Information, "{Name} ({Torrent}) is settled with the destination: {What}.")]
        public static partial void Delivered(ILogger logger, string name, InfoHash torrent, string what);

        [LoggerMessage(4061, LogLevel.Warning, "The client lists {Count} of {Known} torrents no more, all at once. That looks like a client without its profile: nothing is done about them for 30 minutes.")]
        public static partial void RemovalDoubted(ILogger logger, int count, int known);

        [LoggerMessage(4062, LogLevel.Warning, "The client: {Warning}")]
        public static partial void ClientWarning(ILogger logger, string warning);

        [LoggerMessage(4063, LogLevel.Information, "Everything that is synced is handed over now, within {Timeout}.")]
        public static partial void DrainBegan(ILogger logger, TimeSpan timeout);

        [LoggerMessage(4064, LogLevel.Information, "The drain ended: {HandedOff} torrents were handed over, {Left} are left here.")]
        public static partial void DrainEnded(ILogger logger, int handedOff, int left);

        [LoggerMessage(4065, LogLevel.Information, "{Count} torrents are left here: {Reason}. Among them: {Names}")]
        public static partial void DrainLeft(ILogger logger, int count, string reason, string names);
    }
}
