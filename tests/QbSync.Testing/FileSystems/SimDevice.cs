namespace QbSync.Testing.FileSystems;

/// <summary>A device of a <see cref="SimFileSystem"/> and what it cannot do. Settings may change at any time, except for case.</summary>
public sealed class SimDevice(ulong number, bool foldsCase = false)
{
    public ulong Number { get; } = number;

    /// <summary>Whether names that differ in case are one.</summary>
    public bool FoldsCase { get; } = foldsCase;

    /// <summary>Bytes that fit.</summary>
    public long Capacity { get; set; } = long.MaxValue / 4;

    /// <summary>Bytes in use.</summary>
    public long Used { get; internal set; }

    public long Free => Math.Max(0, Capacity - Used);

    /// <summary>Every change fails with EROFS.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>Every call fails with EIO.</summary>
    public bool IsBroken { get; set; }

    public bool IsNetwork { get; set; }

    public bool CanClone { get; set; }

    public bool CanReserve { get; set; } = true;

    public bool CanSyncFolders { get; set; } = true;

    /// <summary>Names that a file may have; 0 for a file system without links.</summary>
    public uint MaxLinks { get; set; } = 65_000;

    /// <summary>Longest name in bytes.</summary>
    public int MaxName { get; set; } = 255;

    /// <summary>Whether the number of a removed file is the next one that is given.</summary>
    public bool ReusesNumbers { get; set; } = true;

    internal Stack<ulong> Freed { get; } = new();

    internal ulong LastNumber { get; set; } = 1;

    internal StringComparer Names => FoldsCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    internal SimDevice Clone()
    {
        var copy = new SimDevice(Number, FoldsCase)
        {
            Capacity = Capacity,
            IsReadOnly = IsReadOnly,
            IsNetwork = IsNetwork,
            CanClone = CanClone,
            CanReserve = CanReserve,
            CanSyncFolders = CanSyncFolders,
            MaxLinks = MaxLinks,
            MaxName = MaxName,
            ReusesNumbers = ReusesNumbers,
            LastNumber = LastNumber,
        };
        return copy;
    }
}
