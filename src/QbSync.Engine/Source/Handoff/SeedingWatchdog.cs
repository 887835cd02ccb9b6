using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Handoff;

/// <summary>What is to be done about a torrent that both sides have, and that no handoff is under way of.</summary>
internal enum SeedingNeed
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>We had started it there, and it is active here: the destination is stopped.</summary>
    TakeBack = 1,

    /// <summary>Its user runs it there himself: he is told, nothing is stopped.</summary>
    Tell = 2,

    /// <summary>We had started it there, and it is not whole there: looked at again.</summary>
    LookAgain = 3,
}

/// <summary>Sees to it that one side seeds. Facts in, a decision out: pure.</summary>
internal static class SeedingWatchdog
{
    /// <param name="here">What the client here shows.</param>
    /// <param name="there">What the destination says.</param>
    public static SeedingNeed Judge(TorrentStatus? here, DestinationTorrentStatus there)
    {
        if (there.Client is not { } client)
        {
            return SeedingNeed.None;
        }

        var isOurs = there.State == DestinationTorrentState.HandedOff;
        if (isOurs && (client.State.GetSide() == TorrentSide.Downloading || client.State is ClientTorrentState.MissingFiles or ClientTorrentState.Error))
        {
            return SeedingNeed.LookAgain;
        }

        var isActiveThere = client.State.GetSide() == TorrentSide.Seeding && !client.State.IsStopped();
        var isActiveHere = here is { IsComplete: true, IsStopped: false };
        return (isActiveHere && isActiveThere, isOurs, there.State) switch
        {
            (true, true, _) => SeedingNeed.TakeBack,
            (true, false, DestinationTorrentState.Complete) => SeedingNeed.Tell,
            _ => SeedingNeed.None,
        };
    }
}
