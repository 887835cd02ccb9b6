using System.Collections.Frozen;
using QbSync.Ports;

namespace QbSync.Torrents;

/// <summary>What a client says of a torrent. Immutable; an unchanged one is shared between polls.</summary>
public sealed record TorrentStatus
{
    /// <summary>The client's handle.</summary>
    public required ClientTorrentId Id { get; init; }

    /// <summary>v1 hash, or none when there is none or the client does not tell.</summary>
    public InfoHash V1 { get; init; }

    /// <summary>v2 hash, or none.</summary>
    public InfoHash V2 { get; init; }

    /// <summary>The name shown; the user may have changed it.</summary>
    public required string Name { get; init; }

    /// <summary>What it is doing.</summary>
    public required ClientTorrentState State { get; init; }

    /// <summary>The client's own word for it.</summary>
    public string RawState { get; init; } = "";

    /// <summary>0 to 1, of the selection. Means something only together with <see cref="TorrentSide.Seeding"/>.</summary>
    public double Progress { get; init; }

    /// <summary>Bytes of the selection still to come, in whole pieces at some clients.</summary>
    public long AmountLeft { get; init; }

    /// <summary>Bytes downloaded and checked.</summary>
    public long CompletedBytes { get; init; }

    /// <summary>Bytes selected; of a part of the files, clients count the whole pieces that it touches.</summary>
    public long SelectedSize { get; init; }

    /// <summary>Category, empty for none.</summary>
    public string Category { get; init; } = "";

    /// <summary>Tags.</summary>
    public IReadOnlySet<string> Tags { get; init; } = FrozenSet<string>.Empty;

    /// <summary>Where the files are to be, as the client sees it.</summary>
    public string SavePath { get; init; } = "";

    /// <summary>Path of the only file, or of the root folder, as the client sees it; empty when not told.</summary>
    public string ContentPath { get; init; } = "";

    /// <summary>Where incomplete files are, if elsewhere.</summary>
    public string DownloadPath { get; init; } = "";

    /// <summary>Whether the client chooses the save path by the category, and moves the content when that changes.</summary>
    public bool IsManagedByCategory { get; init; }

    /// <summary>When it was added.</summary>
    public DateTimeOffset? AddedAt { get; init; }

    /// <summary>When it was complete, if it is and the client knows.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>How long it has seeded.</summary>
    public TimeSpan? SeedingTime { get; init; }

    /// <summary>Bytes uploaded.</summary>
    public long UploadedBytes { get; init; }

    /// <summary>Share ratio.</summary>
    public double Ratio { get; init; }

    /// <summary>When the client ends seeding it by itself.</summary>
    public ShareLimits Limits { get; init; } = ShareLimits.Global;

    /// <summary>Complete peers of the swarm as trackers count them; null when not told.</summary>
    public int? Seeds { get; init; }

    /// <summary>Incomplete peers of the swarm as trackers count them; null when not told.</summary>
    public int? Leechers { get; init; }

    /// <summary>Whether the client has the metadata.</summary>
    public bool HasMetadata { get; init; } = true;

    /// <summary>The side.</summary>
    public TorrentSide Side => State.GetSide();

    /// <summary>Whether it is stopped.</summary>
    public bool IsStopped => State.IsStopped();

    /// <summary>Whether it is being checked; progress and pieces mean nothing yet.</summary>
    public bool IsChecking => State.IsChecking();

    /// <summary>Whether it takes part in the swarm.</summary>
    public bool IsActive => State.IsActive();

    /// <summary>Whether the client claims all of the selection, on the seeding side.</summary>
    public bool IsComplete => Side == TorrentSide.Seeding && Progress >= 1.0 && AmountLeft == 0;
}
