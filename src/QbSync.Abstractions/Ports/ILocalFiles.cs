namespace QbSync.Ports;

/// <summary>
/// What this machine's file systems say of paths and of their free space. Reads only, keeps nothing, blocks as long as the device does. Thread-safe. What
/// the system does not tell is told as unknown, never as absent or as 0.
/// </summary>
public interface ILocalFiles
{
    /// <summary>What stands at a path: links on the way are followed, a link at its end is not.</summary>
    LocalPath Look(string path);

    /// <summary>The file system of a folder; null when the folder is not there or the system does not tell.</summary>
    LocalFileSystem? GetFileSystem(string folder);
}

/// <summary>What stands at a path.</summary>
public enum LocalPathKind
{
    /// <summary>The system did not tell: a permission, a device, a network. Nothing follows from it.</summary>
    Unknown = 0,

    /// <summary>Nothing.</summary>
    Absent = 1,

    /// <summary>A regular file.</summary>
    File = 2,

    /// <summary>A folder, a link or anything else that holds no content.</summary>
    Other = 3,
}

/// <summary>What was found at a path.</summary>
/// <param name="Kind">What stands there; unless it is a file, the numbers are 0.</param>
/// <param name="Path">The path without a link on the way to its last part, as far as that could be told; else as it was given.</param>
/// <param name="Device">Number of the device.</param>
/// <param name="Inode">Number of the file on it.</param>
/// <param name="Links">Names that the file has.</param>
/// <param name="AllocatedBytes">What it takes on the device, which the delete of its last name gives back.</param>
public readonly record struct LocalPath(LocalPathKind Kind, string Path, ulong Device = 0, ulong Inode = 0, uint Links = 0, long AllocatedBytes = 0);

/// <summary>A file system.</summary>
/// <param name="Device">Number of the device, as files on it show it.</param>
/// <param name="FreeBytes">Bytes that an ordinary user may still write; null when the system does not tell.</param>
/// <param name="TotalBytes">Its size; 0 together with no free bytes.</param>
public readonly record struct LocalFileSystem(ulong Device, long? FreeBytes, long TotalBytes);
