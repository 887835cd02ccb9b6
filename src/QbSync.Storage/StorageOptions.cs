namespace QbSync.Storage;

/// <summary>What a person may set about storage. <see cref="Validate"/> names everything that is wrong at once; nothing is corrected silently.</summary>
public sealed class StorageOptions
{
    /// <summary>Folder below which all content lies.</summary>
    /// <value>An absolute path of a folder that exists. Required for a destination.</value>
    public string DataRoot { get; set; } = "";

    /// <summary>Folder for durable state, made when absent. One process at a time.</summary>
    /// <value>An absolute path. Required.</value>
    public string StateDirectory { get; set; } = "";

    /// <summary>How often written bytes and their bits are made durable.</summary>
    /// <value>5 seconds; 100 ms to 5 minutes.</value>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes of one torrent that are made durable before the interval is over.</summary>
    /// <value>512 MiB; 16 MiB to 16 GiB.</value>
    public long FlushBytes { get; set; } = 512L << 20;

    /// <summary>Files open for writing at once; more are closed, flushed first, and opened again when needed.</summary>
    /// <value>512; 16 to 65536.</value>
    public int MaxOpenFiles { get; set; } = 512;

    /// <summary>Files and folders flushed at once.</summary>
    /// <value>8; 1 to 64.</value>
    public int SyncParallelism { get; set; } = 8;

    /// <summary>Free bytes of the device below which nothing is accepted.</summary>
    /// <value>10 GiB; 0 or more.</value>
    public long MinFreeBytes { get; set; } = 10L << 30;

    /// <summary>Whether blocks of a file are reserved when it is made, where the file system can.</summary>
    /// <value>true.</value>
    public bool Preallocate { get; set; } = true;

    /// <summary>Whether a file that is here already under another name is linked instead of received. It is hashed all the same.</summary>
    /// <value>true.</value>
    public bool Hardlinks { get; set; } = true;

    /// <summary>Whether such a file is cloned, sharing its blocks, where it cannot be linked and the file system can do that.</summary>
    /// <value>true.</value>
    public bool Reflinks { get; set; } = true;

    /// <summary>How long a file waits for another torrent's that makes no progress, before it is received itself.</summary>
    /// <value>10 minutes; 10 seconds to 7 days.</value>
    public TimeSpan LinkWaitIdle { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often files that may be linked to are looked at, to forget those that are gone.</summary>
    /// <value>6 hours; 1 minute to 30 days.</value>
    public TimeSpan RegistrySweep { get; set; } = TimeSpan.FromHours(6);

    /// <summary>Where verified bytes are read back from.</summary>
    /// <value><see cref="ReadBackSource.Cached"/>.</value>
    public ReadBackSource ReadBack { get; set; }

    /// <summary>Content files that a reader keeps open at once.</summary>
    /// <value>256; 16 to 65536.</value>
    public int ReaderOpenFiles { get; set; } = 256;

    /// <summary>A copy of <paramref name="current"/>, which nobody else changes, with what of these options an open store can take.</summary>
    internal StorageOptions WithFixedOf(StorageOptions current)
    {
        var copy = (StorageOptions)current.MemberwiseClone();
        (copy.MinFreeBytes, copy.Hardlinks, copy.Reflinks, copy.ReadBack) = (MinFreeBytes, Hardlinks, Reflinks, ReadBack);
        return copy;
    }

    /// <summary>Everything that is wrong, in words that name the option; empty when all is well.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        CheckPath(errors, nameof(StateDirectory), StateDirectory);
        if (DataRoot.Length > 0)
        {
            CheckPath(errors, nameof(DataRoot), DataRoot);
        }

        Check(errors, nameof(FlushInterval), FlushInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
        Check(errors, nameof(FlushBytes), FlushBytes, 16L << 20, 16L << 30);
        Check(errors, nameof(MaxOpenFiles), MaxOpenFiles, 16, 65536);
        Check(errors, nameof(SyncParallelism), SyncParallelism, 1, 64);
        Check(errors, nameof(MinFreeBytes), MinFreeBytes, 0, long.MaxValue);
        Check(errors, nameof(LinkWaitIdle), LinkWaitIdle, TimeSpan.FromSeconds(10), TimeSpan.FromDays(7));
        Check(errors, nameof(RegistrySweep), RegistrySweep, TimeSpan.FromMinutes(1), TimeSpan.FromDays(30));
        if (!Enum.IsDefined(ReadBack))
        {
            errors.Add($"Storage.{nameof(ReadBack)} is {ReadBack}; it must be {ReadBackSource.Cached} or {ReadBackSource.Media}.");
        }

        Check(errors, nameof(ReaderOpenFiles), ReaderOpenFiles, 16, 65536);
        return errors;
    }

    private static void Check<T>(List<string> errors, string name, T value, T low, T high)
        where T : IComparable<T>
    {
        if (value.CompareTo(low) < 0 || value.CompareTo(high) > 0)
        {
            errors.Add($"Storage.{name} is {value}; it must be from {low} to {high}.");
        }
    }

    private static void CheckPath(List<string> errors, string name, string path)
    {
        if (!Path.IsPathFullyQualified(path))
        {
            errors.Add($"Storage.{name} is '{path}'; it must be an absolute path.");
        }
    }
}
