namespace QbSync.QBittorrent.Models;

/// <summary>
/// A torrent as <c>torrents/info</c> and <c>sync/maindata</c> give it. Null: missing, null, not readable as its type, or one of the client's
/// own words for "none". In an answer of changes only what changed is there.
/// </summary>
public sealed partial record TorrentRecord
{
    private const long NoEta = 8_640_000;

    /// <summary>The client's id: 40 hexadecimal digits.</summary>
    public string? Hash { get => Get(TorrentText.Hash); init => Set(TorrentText.Hash, value); }

    /// <summary>v1 info hash, empty when there is none. Told from 4.4.0 on.</summary>
    public string? InfoHashV1 { get => Get(TorrentText.InfoHashV1); init => Set(TorrentText.InfoHashV1, value); }

    /// <summary>v2 info hash of 64 digits, empty when there is none. Told from 4.4.0 on.</summary>
    public string? InfoHashV2 { get => Get(TorrentText.InfoHashV2); init => Set(TorrentText.InfoHashV2, value); }

    /// <summary>Name shown.</summary>
    public string? Name { get => Get(TorrentText.Name); init => Set(TorrentText.Name, value); }

    /// <summary>State word.</summary>
    public string? State { get => Get(TorrentText.State); init => Set(TorrentText.State, value); }

    /// <summary>Category, empty for none.</summary>
    public string? Category { get => Get(TorrentText.Category); init => Set(TorrentText.Category, value); }

    /// <summary>Tags, with commas between.</summary>
    public string? Tags { get => Get(TorrentText.Tags); init => Set(TorrentText.Tags, value); }

    /// <summary>Save path; from 4.2 with a slash at its end.</summary>
    public string? SavePath { get => Get(TorrentText.SavePath); init => Set(TorrentText.SavePath, value); }

    /// <summary>Path of the only file or of the folder.</summary>
    public string? ContentPath { get => Get(TorrentText.ContentPath); init => Set(TorrentText.ContentPath, value); }

    /// <summary>Where incomplete files are. Told from 4.4.0 on.</summary>
    public string? DownloadPath { get => Get(TorrentText.DownloadPath); init => Set(TorrentText.DownloadPath, value); }

    /// <summary>0 to 1, of the selection.</summary>
    public double? Progress { get => Fraction(TorrentNumber.Progress); init => Set(TorrentNumber.Progress, value); }

    /// <summary>Bytes of the selection to come.</summary>
    public long? AmountLeft { get => Integer(TorrentNumber.AmountLeft); init => Set(TorrentNumber.AmountLeft, value); }

    /// <summary>Bytes had and checked.</summary>
    public long? Completed { get => Integer(TorrentNumber.Completed); init => Set(TorrentNumber.Completed, value); }

    /// <summary>Bytes selected.</summary>
    public long? Size { get => Integer(TorrentNumber.Size); init => Set(TorrentNumber.Size, value); }

    /// <summary>Bytes of all files, pads included; 0 or less without metadata.</summary>
    public long? TotalSize { get => Integer(TorrentNumber.TotalSize); init => Set(TorrentNumber.TotalSize, value); }

    /// <summary>Seconds since 1970.</summary>
    public long? AddedOn { get => Integer(TorrentNumber.AddedOn); init => Set(TorrentNumber.AddedOn, value); }

    /// <summary>Seconds since 1970; null: never.</summary>
    public long? CompletionOn { get => Time(TorrentNumber.CompletionOn); init => Set(TorrentNumber.CompletionOn, value); }

    /// <summary>When somebody was last seen to have all of it, in seconds since 1970; null: never.</summary>
    public long? SeenComplete { get => Time(TorrentNumber.SeenComplete); init => Set(TorrentNumber.SeenComplete, value); }

    /// <summary>When bytes last flowed, in seconds since 1970; null: never.</summary>
    public long? LastActivity { get => Time(TorrentNumber.LastActivity); init => Set(TorrentNumber.LastActivity, value); }

    /// <summary>Seconds.</summary>
    public long? SeedingTime { get => Integer(TorrentNumber.SeedingTime); init => Set(TorrentNumber.SeedingTime, value); }

    /// <summary>Seconds to go; null: no end in sight.</summary>
    public long? Eta
    {
        get => Integer(TorrentNumber.Eta) is < NoEta and var seconds ? seconds : null;
        init => Set(TorrentNumber.Eta, value);
    }

    /// <summary>Share ratio at which seeding ends; -2: the client's setting, -1: none.</summary>
    public double? RatioLimit { get => Fraction(TorrentNumber.RatioLimit); init => Set(TorrentNumber.RatioLimit, value); }

    /// <summary>Minutes of seeding after which it ends; -2: the client's setting, -1: none.</summary>
    public double? SeedingTimeLimit { get => Fraction(TorrentNumber.SeedingTimeLimit); init => Set(TorrentNumber.SeedingTimeLimit, value); }

    /// <summary>Minutes without upload after which seeding ends; -2: the client's setting, -1: none. Told from 4.6.0 on.</summary>
    public double? InactiveSeedingTimeLimit
    {
        get => Fraction(TorrentNumber.InactiveSeedingTimeLimit);
        init => Set(TorrentNumber.InactiveSeedingTimeLimit, value);
    }

    /// <summary>Bytes.</summary>
    public long? Uploaded { get => Integer(TorrentNumber.Uploaded); init => Set(TorrentNumber.Uploaded, value); }

    /// <summary>Bytes.</summary>
    public long? Downloaded { get => Integer(TorrentNumber.Downloaded); init => Set(TorrentNumber.Downloaded, value); }

    /// <summary>Bytes a second.</summary>
    public long? UpSpeed { get => Integer(TorrentNumber.UpSpeed); init => Set(TorrentNumber.UpSpeed, value); }

    /// <summary>Bytes a second.</summary>
    public long? DlSpeed { get => Integer(TorrentNumber.DlSpeed); init => Set(TorrentNumber.DlSpeed, value); }

    /// <summary>Share ratio.</summary>
    public double? Ratio { get => Fraction(TorrentNumber.Ratio); init => Set(TorrentNumber.Ratio, value); }

    /// <summary>Copies that connected peers have between them; null: not known.</summary>
    public double? Availability
    {
        get => Fraction(TorrentNumber.Availability) is >= 0 and var copies ? copies : null;
        init => Set(TorrentNumber.Availability, value);
    }

    /// <summary>Seeds connected.</summary>
    public long? NumSeeds { get => Integer(TorrentNumber.NumSeeds); init => Set(TorrentNumber.NumSeeds, value); }

    /// <summary>Leechers connected.</summary>
    public long? NumLeechs { get => Integer(TorrentNumber.NumLeechs); init => Set(TorrentNumber.NumLeechs, value); }

    /// <summary>Complete peers of the swarm; null: the trackers do not tell.</summary>
    public long? NumComplete { get => Count(TorrentNumber.NumComplete); init => Set(TorrentNumber.NumComplete, value); }

    /// <summary>Incomplete peers of the swarm; null: the trackers do not tell.</summary>
    public long? NumIncomplete { get => Count(TorrentNumber.NumIncomplete); init => Set(TorrentNumber.NumIncomplete, value); }

    /// <summary>Whether the client chooses the save path by the category.</summary>
    public bool? AutoTmm { get => Flag(TorrentNumber.AutoTmm); init => Set(TorrentNumber.AutoTmm, value); }

    /// <summary>Told from 5.0.0 on.</summary>
    public bool? HasMetadata { get => Flag(TorrentNumber.HasMetadata); init => Set(TorrentNumber.HasMetadata, value); }
}
