using QbSync.Engine.Destination.Handoff;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Destination.Maintenance;

/// <summary>What a look at the client asks for of a torrent that is complete here. Pure.</summary>
internal enum HandoffNeed
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A start is in doubt: ask the client, and settle it.</summary>
    Resolve = 1,

    /// <summary>It was handed over and downloads, or misses its files: stop it, and read its files again.</summary>
    TakeBack = 2,

    /// <summary>The same, but the source's data is gone: stop it, and leave everything as it is.</summary>
    StopOnly = 3,

    /// <summary>It was not handed over, and the client does not have it whole.</summary>
    NotWhole = 4,
}

/// <summary>
/// Watches torrents that are complete here, for a while after their start. A torrent that was taken as verified and turns out wrong begins to download at
/// the first peer's request, and would overwrite what is there. What a user stops stays stopped. Pure.
/// </summary>
internal static class HandoffWatch
{
    /// <summary>What to do about a status that was asked for after the last change.</summary>
    /// <param name="isUncertain">The client was lost between a start and its sight.</param>
    /// <param name="isHandedOff">Started, and seen active.</param>
    /// <param name="isClosed">The source confirmed that its data is gone.</param>
    /// <param name="addedByUs">Whether the client's entry is ours to stop.</param>
    public static HandoffNeed Judge(
        TorrentStatus status, bool isUncertain, bool isHandedOff, bool isClosed, bool addedByUs, TimeSpan sinceStart, TimeSpan watchFor)
    {
        if (isUncertain)
        {
            return HandoffNeed.Resolve;
        }

        if (!SeedingControl.HasLostContent(status))
        {
            return HandoffNeed.None;
        }

        if (!isHandedOff)
        {
            return HandoffNeed.NotWhole;
        }

        if (!addedByUs || sinceStart > watchFor)
        {
            return HandoffNeed.None;
        }

        return !isClosed ? HandoffNeed.TakeBack : status.State.IsStopped() || status.Side != TorrentSide.Downloading ? HandoffNeed.None : HandoffNeed.StopOnly;
    }
}
