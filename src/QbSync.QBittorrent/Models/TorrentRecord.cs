using System.Text.Json.Serialization;
using QbSync.QBittorrent.Json;

namespace QbSync.QBittorrent.Models;

/// <summary>A torrent as <c>torrents/info</c> and <c>sync/maindata</c> give it. Null: missing, null, or not readable as its type.</summary>
public sealed record TorrentRecord
{
    /// <summary>The client's id: 40 hexadecimal digits.</summary>
    public string? Hash { get; init; }

    /// <summary>v1 info hash, empty when there is none.</summary>
    [JsonPropertyName("infohash_v1")]
    public string? InfoHashV1 { get; init; }

    /// <summary>v2 info hash, empty when there is none.</summary>
    [JsonPropertyName("infohash_v2")]
    public string? InfoHashV2 { get; init; }

    /// <summary>Name shown.</summary>
    public string? Name { get; init; }

    /// <summary>State word.</summary>
    [JsonConverter(typeof(PooledStringConverter))]
    public string? State { get; init; }

    /// <summary>0 to 1.</summary>
    public double? Progress { get; init; }

    /// <summary>Bytes of the selection to come.</summary>
    public long? AmountLeft { get; init; }

    /// <summary>Bytes had and checked.</summary>
    public long? Completed { get; init; }

    /// <summary>Bytes selected.</summary>
    public long? Size { get; init; }

    /// <summary>Bytes of all files, pads included; 0 or less without metadata.</summary>
    public long? TotalSize { get; init; }

    /// <summary>Category.</summary>
    [JsonConverter(typeof(PooledStringConverter))]
    public string? Category { get; init; }

    /// <summary>Tags, with commas between.</summary>
    [JsonConverter(typeof(PooledStringConverter))]
    public string? Tags { get; init; }

    /// <summary>Save path.</summary>
    [JsonConverter(typeof(PooledStringConverter))]
    public string? SavePath { get; init; }

    /// <summary>Path of the only file or of the folder.</summary>
    public string? ContentPath { get; init; }

    /// <summary>Where incomplete files are.</summary>
    [JsonConverter(typeof(PooledStringConverter))]
    public string? DownloadPath { get; init; }

    /// <summary>Seconds since 1970.</summary>
    public long? AddedOn { get; init; }

    /// <summary>Seconds since 1970; 0 or less: never.</summary>
    public long? CompletionOn { get; init; }

    /// <summary>Seconds.</summary>
    public long? SeedingTime { get; init; }

    /// <summary>Bytes.</summary>
    public long? Uploaded { get; init; }

    /// <summary>Share ratio.</summary>
    public double? Ratio { get; init; }

    /// <summary>Whether the client chooses the save path by the category.</summary>
    public bool? AutoTmm { get; init; }

    /// <summary>Share ratio at which seeding ends; -2: the client's setting, -1: none.</summary>
    public double? RatioLimit { get; init; }

    /// <summary>Minutes of seeding after which it ends; -2: the client's setting, -1: none.</summary>
    public double? SeedingTimeLimit { get; init; }

    /// <summary>Minutes without upload after which seeding ends; -2: the client's setting, -1: none. Told from 4.6 on.</summary>
    public double? InactiveSeedingTimeLimit { get; init; }

    /// <summary>Complete peers of the swarm; -1: not known.</summary>
    public long? NumComplete { get; init; }

    /// <summary>Incomplete peers of the swarm; -1: not known.</summary>
    public long? NumIncomplete { get; init; }

    /// <summary>Told from 5.0 on.</summary>
    public bool? HasMetadata { get; init; }
}
