using QbSync.Engine.Source.Records;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Planning;

/// <summary>A torrent as a plan sees it: what the client lists, what the record says, what the destination answered. Owned by one making of a plan.</summary>
internal sealed class PlannedTorrent(InfoHash id, TorrentStatus? status, TorrentRecord? record)
{
    public InfoHash Id { get; } = id;

    /// <summary>Null when the client does not list it.</summary>
    public TorrentStatus? Status { get; } = status;

    /// <summary>Null when nothing is recorded of it.</summary>
    public TorrentRecord? Record { get; } = record;

    public string Name => Status?.Name ?? Record?.Name ?? Id.ToString();

    /// <summary>The state that an engine would begin it in, and then the one that it would reach.</summary>
    public TorrentSyncState State { get; set; } = StateOf(record);

    public TorrentTraits? Traits { get; set; }

    /// <summary>Where its files are; null while nobody looked.</summary>
    public PlannedPlace? Place { get; set; }

    /// <summary>What the destination answered; null while it was not asked.</summary>
    public DestinationTorrentStatus? Answer { get; set; }

    /// <summary>Whether the destination has to be asked before more can be said.</summary>
    public bool IsQuestion { get; set; }

    /// <summary>Whether the destination may hold something unfinished of it.</summary>
    public bool OpenedThere =>
        Record is { OpenedThere: true } || Answer?.State is DestinationTorrentState.Opening or DestinationTorrentState.Receiving;

    public ClientClass? Class => Status is null ? null : ClientClasses.Of(Status);

    /// <summary>As an engine takes records up: what was under way is asked for anew.</summary>
    private static TorrentSyncState StateOf(TorrentRecord? record) => record?.State switch
    {
        TorrentSyncState.Synced when record.Completion is not null => TorrentSyncState.Synced,
        TorrentSyncState.Failed or TorrentSyncState.Excluded or TorrentSyncState.Removing or TorrentSyncState.HandingOff => record.State,
        _ => TorrentSyncState.Discovered,
    };
}

/// <summary>Where a torrent's files are, and how much of it is wanted.</summary>
/// <param name="Problem">Why they cannot be read; empty when they can.</param>
/// <param name="Folder">Where they are; empty when that is not known.</param>
/// <param name="SelectedBytes">Null when that is not known.</param>
internal sealed record PlannedPlace(string Problem, string Folder, long? SelectedBytes);
