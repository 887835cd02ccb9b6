namespace QbSync.Engine.Destination;

/// <summary>Where a torrent stands at the destination. Numbers are those of <see cref="Ports.DestinationTorrentState"/>.</summary>
internal enum TorrentSessionState
{
    /// <summary>No record.</summary>
    Absent = 1,

    /// <summary>Init is being validated and reserved.</summary>
    Opening = 2,

    /// <summary>Pieces are accepted.</summary>
    Receiving = 3,

    /// <summary>Being made final.</summary>
    Finalizing = 4,

    /// <summary>Record durable, in the client on the seeding side.</summary>
    Complete = 5,

    /// <summary>Started by us and seen active.</summary>
    HandedOff = 6,

    /// <summary>Work is joined, own partial files are removed.</summary>
    Aborting = 7,

    /// <summary>A permanent reason; data kept.</summary>
    Failed = 8,
}

/// <summary>The one table of legal transitions.</summary>
internal static class TorrentSessionStates
{
    /// <summary>Whether a session may go from one state to the other.</summary>
    public static bool CanBecome(this TorrentSessionState from, TorrentSessionState to) => (from, to) switch
    {
        (TorrentSessionState.Absent, TorrentSessionState.Opening) => true,
        (TorrentSessionState.Opening, TorrentSessionState.Receiving or TorrentSessionState.Absent) => true,
        (TorrentSessionState.Receiving, TorrentSessionState.Finalizing or TorrentSessionState.Failed) => true,
        (TorrentSessionState.Finalizing, TorrentSessionState.Receiving or TorrentSessionState.Complete or TorrentSessionState.Failed) => true,
        (TorrentSessionState.Complete, TorrentSessionState.HandedOff or TorrentSessionState.Receiving or TorrentSessionState.Absent) => true,
        (TorrentSessionState.HandedOff, TorrentSessionState.Complete or TorrentSessionState.Absent) => true,
        (TorrentSessionState.Failed, TorrentSessionState.Receiving) => true,
        (TorrentSessionState.Receiving or TorrentSessionState.Finalizing or TorrentSessionState.Failed, TorrentSessionState.Aborting) => true,
        (TorrentSessionState.Aborting, TorrentSessionState.Absent) => true,
        _ => false,
    };
}
