namespace QbSync.Storage.FolderClient;

/// <summary>Where a <see cref="FolderTorrentClient"/> finds torrents and content, and how much it checks at a time.</summary>
public sealed class FolderClientOptions
{
    /// <summary>Folder of <c>.torrent</c> files, made when absent. What the client knows of each is kept beside it, as <c>HASH.state.json</c>.</summary>
    /// <value>An absolute path. Required.</value>
    public string TorrentsDirectory { get; set; } = "";

    /// <summary>Folder in which content is looked for, unless a torrent was added with a save path of its own.</summary>
    /// <value>An absolute path. Required.</value>
    public string DataDirectory { get; set; } = "";

    /// <summary>Bytes hashed at most by one poll, all torrents together; at least one piece of each that has something to check.</summary>
    /// <value>256 MiB; 1 MiB or more.</value>
    public long CheckBytesPerPoll { get; set; } = 256L << 20;

    /// <summary>Time after which a poll hashes no further piece.</summary>
    /// <value>250 ms; above 0, at most 1 minute.</value>
    public TimeSpan CheckTimePerPoll { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often progress is saved while content grows. Changes that were asked for are saved at once.</summary>
    /// <value>10 seconds; at most 10 minutes.</value>
    public TimeSpan SaveInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether nothing is made or written in the torrents folder: what is found out is known to this process alone.</summary>
    /// <value>False.</value>
    public bool ReadOnly { get; set; }

    /// <summary>Everything that is wrong, in words that name the option; empty when all is well.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        CheckPath(errors, nameof(TorrentsDirectory), TorrentsDirectory);
        CheckPath(errors, nameof(DataDirectory), DataDirectory);
        if (CheckBytesPerPoll < 1 << 20)
        {
            errors.Add($"FolderClient.{nameof(CheckBytesPerPoll)} is {CheckBytesPerPoll}; it must be at least {1 << 20}.");
        }

        if (CheckTimePerPoll <= TimeSpan.Zero || CheckTimePerPoll > TimeSpan.FromMinutes(1))
        {
            errors.Add($"FolderClient.{nameof(CheckTimePerPoll)} is {CheckTimePerPoll}; it must be above 0 and at most 1 minute.");
        }

        if (SaveInterval < TimeSpan.Zero || SaveInterval > TimeSpan.FromMinutes(10))
        {
            errors.Add($"FolderClient.{nameof(SaveInterval)} is {SaveInterval}; it must be from 0 to 10 minutes.");
        }

        return errors;
    }

    private static void CheckPath(List<string> errors, string name, string path)
    {
        if (!Path.IsPathFullyQualified(path))
        {
            errors.Add($"FolderClient.{name} is '{path}'; it must be an absolute path.");
        }
    }
}
