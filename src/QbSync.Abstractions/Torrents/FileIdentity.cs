namespace QbSync.Torrents;

/// <summary>
/// What a file system says a file is: two names with the same identity are the same bytes at the moment of the look. Never proof of content.
/// </summary>
/// <param name="Device">Device number.</param>
/// <param name="Inode">Inode number; 0 means that there is none to rely on.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="ModifiedNanoseconds">Modification time in nanoseconds since the Unix epoch; 0 while the file is still downloading.</param>
public readonly record struct FileIdentity(ulong Device, ulong Inode, long Size, long ModifiedNanoseconds);
