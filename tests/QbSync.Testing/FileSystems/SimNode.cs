using QbSync.Storage.IO;

namespace QbSync.Testing.FileSystems;

/// <summary>A file, folder or link of a <see cref="SimDisk"/>: what processes see, and what a power cut leaves for certain. Guarded by the file system's lock.</summary>
internal sealed class SimNode(long id, ulong number, FileKind kind, SimDevice device)
{
    /// <summary>Never given twice.</summary>
    public long Id { get; } = id;

    /// <summary>Inode number; given again when the file is gone.</summary>
    public ulong Number { get; } = number;

    public FileKind Kind { get; } = kind;

    public SimDevice Device { get; } = device;

    /// <summary>Whether it is the topmost folder of a mounted device.</summary>
    public bool IsTop { get; init; }

    /// <summary>Where a link leads.</summary>
    public string Target { get; init; } = "";

    /// <summary>Bytes as processes see them.</summary>
    public SimContent Content { get; set; } = new();

    /// <summary>Bytes that were flushed.</summary>
    public SimContent Durable { get; set; } = new();

    /// <summary>Entries as processes see them.</summary>
    public Dictionary<string, long> Entries { get; init; } = new(device.Names);

    /// <summary>Entries that were flushed.</summary>
    public Dictionary<string, long> DurableEntries { get; init; } = new(device.Names);

    /// <summary>Names.</summary>
    public uint Links { get; set; }

    /// <summary>Names that were flushed.</summary>
    public int DurableLinks { get; set; }

    /// <summary>Handles.</summary>
    public int Opens { get; set; }

    /// <summary>Bytes reserved without being written.</summary>
    public long Reserved { get; set; }

    public long Modified { get; set; }

    public long DurableModified { get; set; }

    /// <summary>Handle that has its lock.</summary>
    public SimFileHandle? Locked { get; set; }

    /// <summary>What handles opened before <see cref="StaleBefore"/> still read.</summary>
    public SimContent? Stale { get; set; }

    public long StaleBefore { get; set; }

    /// <summary>Bytes that it takes on the device.</summary>
    public long Used => Math.Max(Reserved, (long)Content.Pages * SimContent.PageSize);

    public FileStat Stat() => new(Kind, Device.Number, Number, Kind == FileKind.Folder ? 2 : Links, Content.Length, Modified);
}
