using QbSync.Torrents;

namespace QbSync.Engine.Plans;

/// <summary>What would become of one torrent, and why.</summary>
/// <param name="Id">The torrent.</param>
/// <param name="Name">Its name at the client.</param>
/// <param name="Action">The word.</param>
/// <param name="Reason">The first thing that decides, for people.</param>
public sealed record PlanLine(InfoHash Id, string Name, PlanAction Action, string Reason)
{
    /// <summary>Bytes that would cross.</summary>
    public long BytesToSend { get; init; }

    /// <summary>Bytes that would come from content that the destination has.</summary>
    public long BytesToLink { get; init; }

    /// <summary>Bytes that the delete would give back here.</summary>
    public long BytesToFree { get; init; }
}
