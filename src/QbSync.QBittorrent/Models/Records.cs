namespace QbSync.QBittorrent.Models;

/// <summary>A file of <c>torrents/files</c>. Null: missing, null, or not readable as its type.</summary>
public sealed record FileRecord
{
    // Torrents have tens of thousands of files; a nullable number takes twice the room of a number.
    private const long NotTold = long.MinValue;

    private readonly long _index = NotTold, _size = NotTold, _priority = NotTold;
    private readonly double _progress = double.NaN;

    /// <summary>Told from 4.3.5 on; before, the position counts.</summary>
    public long? Index { get => Told(_index); init => _index = value ?? NotTold; }

    /// <summary>Path below the save path.</summary>
    public string? Name { get; init; }

    /// <summary>Bytes.</summary>
    public long? Size { get => Told(_size); init => _size = value ?? NotTold; }

    /// <summary>0: not wanted.</summary>
    public long? Priority { get => Told(_priority); init => _priority = value ?? NotTold; }

    /// <summary>0 to 1.</summary>
    public double? Progress { get => double.IsNaN(_progress) ? null : _progress; init => _progress = value ?? double.NaN; }

    private static long? Told(long number) => number == NotTold ? null : number;
}

/// <summary>A tracker of <c>torrents/trackers</c>.</summary>
public sealed record TrackerRecord
{
    /// <summary>Where it announces; of a pseudo entry <c>** [DHT] **</c> and the like. Secret: it may hold a passkey.</summary>
    public string? Url { get; init; }

    /// <summary>0 disabled, 1 not contacted, 2 working, 3 updating, 4 not working; from 5.2 on also 5 refused, 6 unreachable.</summary>
    public long? Status { get; init; }

    /// <summary>Its tier; null: none, as a pseudo entry.</summary>
    public long? Tier { get => field is >= 0 ? field : null; init; }

    /// <summary>What it said last; for people.</summary>
    public string? Msg { get; init; }
}

/// <summary>Answer of <c>sync/maindata</c>: everything, or what changed since the answer numbered before.</summary>
public sealed record MainDataRecord
{
    /// <summary>Number of this answer.</summary>
    public long? Rid { get; init; }

    /// <summary>Whether it replaces all before it.</summary>
    public bool? FullUpdate { get; init; }

    /// <summary>By id; each may hold changed fields only.</summary>
    public Dictionary<string, TorrentRecord>? Torrents { get; init; }

    /// <summary>Ids.</summary>
    public List<string>? TorrentsRemoved { get; init; }

    /// <summary>By name.</summary>
    public Dictionary<string, CategoryRecord>? Categories { get; init; }

    /// <summary>Names.</summary>
    public List<string>? CategoriesRemoved { get; init; }

    /// <summary>Names that are new.</summary>
    public List<string>? Tags { get; init; }

    /// <summary>Names.</summary>
    public List<string>? TagsRemoved { get; init; }

    /// <summary>The client as a whole.</summary>
    public ServerStateRecord? ServerState { get; init; }
}

/// <summary>Part of <see cref="MainDataRecord"/>.</summary>
public sealed record ServerStateRecord
{
    private readonly long? _freeSpaceOnDisk;

    /// <summary>Bytes free at the default save path; null: not known.</summary>
    public long? FreeSpaceOnDisk
    {
        get => _freeSpaceOnDisk is > 0 ? _freeSpaceOnDisk : null;
        init => _freeSpaceOnDisk = value;
    }

    /// <summary>Whether anything was said of it, were it that it is not known.</summary>
    internal bool TellsFreeSpace => _freeSpaceOnDisk is not null;
}

/// <summary>A category.</summary>
public sealed record CategoryRecord
{
    /// <summary>Its name.</summary>
    public string? Name { get; init; }

    /// <summary>Its save path, often empty.</summary>
    [System.Text.Json.Serialization.JsonPropertyName("savePath")]
    public string? SavePath { get; init; }
}

/// <summary>Answer of <c>app/buildInfo</c>.</summary>
public sealed record BuildInfoRecord
{
    /// <summary>Version of libtorrent, which decides how hybrids are named.</summary>
    public string? Libtorrent { get; init; }
}

/// <summary>The few fields of <c>app/preferences</c> that are read. The answer holds passwords; none of them is kept.</summary>
public sealed record AppPreferencesRecord
{
    /// <summary>Default save path.</summary>
    public string? SavePath { get; init; }

    /// <summary>Path of incomplete torrents.</summary>
    public string? TempPath { get; init; }

    /// <summary>Whether that is used.</summary>
    public bool? TempPathEnabled { get; init; }

    /// <summary>What happens at a share limit: 1 and 3 remove the torrent.</summary>
    public long? MaxRatioAct { get; init; }

    /// <summary>Whether there is a limit of ratio.</summary>
    public bool? MaxRatioEnabled { get; init; }

    /// <summary>Whether there is a limit of seeding time.</summary>
    public bool? MaxSeedingTimeEnabled { get; init; }

    /// <summary>Whether there is a limit of idle seeding time.</summary>
    public bool? MaxInactiveSeedingTimeEnabled { get; init; }

    /// <summary>Milliseconds between the client's own refreshes.</summary>
    public long? RefreshInterval { get; init; }

    /// <summary>Told from 5.0 on: <c>Delete</c> or <c>MoveToTrash</c>.</summary>
    public string? TorrentContentRemoveOption { get; init; }
}
