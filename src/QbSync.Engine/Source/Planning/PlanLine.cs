using QbSync.Torrents;

namespace QbSync.Engine.Source.Planning;

/// <summary>What would become of a torrent, in one word.</summary>
internal enum PlanAction
{
    /// <summary>It is complete here and would be sent, or is there already.</summary>
    Sync = 0,

    /// <summary>It downloads here and would be sent meanwhile.</summary>
    Stream,

    /// <summary>The destination would make it final.</summary>
    Finalize,

    /// <summary>It would be handed over and deleted here.</summary>
    Handoff,

    /// <summary>It is synced and stays.</summary>
    Keep,

    /// <summary>Nothing would be done.</summary>
    Skip,

    /// <summary>It has failed and rests.</summary>
    Failed,

    /// <summary>It is gone here, and the destination would be told.</summary>
    Remove,
}

/// <summary>What would become of one torrent, and why.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Name">Its name at the client.</param>
/// <param name="Action">The word.</param>
/// <param name="Reason">The first thing that decides, for people.</param>
internal sealed record PlanLine(InfoHash Id, string Name, PlanAction Action, string Reason)
{
    /// <summary>Bytes that would cross.</summary>
    public long BytesToSend { get; init; }

    /// <summary>Bytes that would come from content that the destination has.</summary>
    public long BytesToLink { get; init; }

    /// <summary>Bytes that the delete would give back here.</summary>
    public long BytesToFree { get; init; }
}
