namespace QbSync.Storage.IO;

/// <summary>Kinds of directory entries that storage tells apart.</summary>
internal enum FileKind
{
    /// <summary>A regular file.</summary>
    File = 0,

    /// <summary>A folder.</summary>
    Folder = 1,

    /// <summary>A symbolic link.</summary>
    SymbolicLink = 2,

    /// <summary>A device, pipe or socket.</summary>
    Other = 3,
}

/// <summary>What the system says of a file.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Device">Device number.</param>
/// <param name="Inode">Inode number.</param>
/// <param name="Links">Number of names.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ModifiedNanoseconds">Last change of the content, in nanoseconds since 1970.</param>
internal readonly record struct FileStat(FileKind Kind, ulong Device, ulong Inode, uint Links, long Length, long ModifiedNanoseconds)
{
    /// <summary>Whether both stand for one inode.</summary>
    public bool IsSameInode(in FileStat other) => Device == other.Device && Inode == other.Inode;
}
