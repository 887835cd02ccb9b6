using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Planning;

/// <summary>What the state of a torrent at the source's client means for its sync.</summary>
internal enum ClientClass
{
    /// <summary>Downloading, whatever the speed: eligible.</summary>
    Downloading = 0,

    /// <summary>All of the selection is there, on the seeding side: eligible, may finalize.</summary>
    Complete = 1,

    /// <summary>No metadata yet: not tracked.</summary>
    NoMetadata = 2,

    /// <summary>Stopped in the middle: not discovered; a tracked one sends what is there.</summary>
    PausedDownload = 3,

    /// <summary>Checking, moving or in a state of a newer client: not discovered; a tracked one is frozen.</summary>
    Busy = 4,

    /// <summary>In error: not discovered; nothing of a tracked one is read.</summary>
    Broken = 5,
}

/// <summary>Sorts client states. Complete needs the side as well as the numbers, since a checking torrent shows any progress.</summary>
internal static class ClientClasses
{
    public static ClientClass Of(TorrentStatus status) => status switch
    {
        { HasMetadata: false } => ClientClass.NoMetadata,
        { IsComplete: true } => ClientClass.Complete,
        _ => status.State switch
        {
            ClientTorrentState.MetaDl or ClientTorrentState.ForcedMetaDl => ClientClass.NoMetadata,
            ClientTorrentState.Downloading or ClientTorrentState.StalledDl or ClientTorrentState.QueuedDl or ClientTorrentState.ForcedDl
                or ClientTorrentState.Allocating => ClientClass.Downloading,
            ClientTorrentState.StoppedDl => ClientClass.PausedDownload,
            ClientTorrentState.MissingFiles or ClientTorrentState.Error => ClientClass.Broken,
            // Seeding states with something left are a list and its numbers out of step.
            ClientTorrentState.Unknown or ClientTorrentState.CheckingUp or ClientTorrentState.CheckingDl or ClientTorrentState.CheckingResumeData
                or ClientTorrentState.Moving or ClientTorrentState.Uploading or ClientTorrentState.StalledUp or ClientTorrentState.ForcedUp
                or ClientTorrentState.QueuedUp or ClientTorrentState.StoppedUp => ClientClass.Busy,
        },
    };
}
