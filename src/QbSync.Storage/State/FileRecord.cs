using QbSync.Storage.IO;

namespace QbSync.Storage.State;

/// <summary>What stands for a selected file on disk, and what we may do with it.</summary>
internal enum OwnKind
{
    /// <summary>Nothing of ours.</summary>
    None = 0,

    /// <summary>Made by us under its own hidden name: written, renamed, removed by us.</summary>
    Partial = 1,

    /// <summary>Made by us, under its final name: only read.</summary>
    Published = 2,

    /// <summary>Made by somebody else, right by its hashes so far: only read.</summary>
    Adopted = 3,

    /// <summary>A hidden name of ours for a verified file that has other names too: only read; renamed and removed by us.</summary>
    Linked = 4,

    /// <summary>Published by another session under the same final name, right by its hashes: only read.</summary>
    Shared = 5,
}

/// <summary>A file as the journal knows it. Compared with the disk before each rename or removal.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Device">Device number; may change from one mount to the next.</param>
/// <param name="Inode">Inode number.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ModifiedNanoseconds">Last change, where it matters: published and adopted files.</param>
internal sealed record FileRecord(OwnKind Kind, ulong Device, ulong Inode, long Length, long ModifiedNanoseconds)
{
    /// <summary>Nothing of ours.</summary>
    public static FileRecord None { get; } = new(OwnKind.None, 0, 0, 0, 0);

    /// <summary>From what the system says.</summary>
    public static FileRecord Of(OwnKind kind, in FileStat stat) => new(kind, stat.Device, stat.Inode, stat.Length, stat.ModifiedNanoseconds);

    /// <summary>Whether the entry is this file.</summary>
    public bool IsInode(in FileStat stat) => stat.Inode == Inode && stat.Device == Device && stat.Kind == FileKind.File;

    /// <summary>Whether the entry is this file with the content it had. The device is left out: its number may change with each mount.</summary>
    public bool IsUnchanged(in FileStat stat) =>
        stat.Kind == FileKind.File && stat.Inode == Inode && stat.Length == Length && stat.ModifiedNanoseconds == ModifiedNanoseconds;
}
