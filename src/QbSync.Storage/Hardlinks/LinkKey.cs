using QbSync.Torrents;

namespace QbSync.Storage.Hardlinks;

/// <summary>What a source's file system says a file is. Two files of one key most likely have the same bytes; hashes have the last word.</summary>
/// <param name="Source">The source; inode numbers of different ones have nothing to do with each other.</param>
/// <param name="Device">Device number there.</param>
/// <param name="Inode">Inode number there.</param>
/// <param name="Size">Bytes.</param>
/// <param name="ModifiedNanoseconds">Last change there; 0 while it is still downloading.</param>
internal readonly record struct LinkKey(Guid Source, ulong Device, ulong Inode, long Size, long ModifiedNanoseconds)
{
    /// <summary>Whether it is that of a file that is whole at the source, so that it stays what it is.</summary>
    public bool IsFinal => ModifiedNanoseconds != 0;

    /// <summary>The key of an identity; null where the file system there has no inodes to rely on.</summary>
    public static LinkKey? Of(Guid source, FileIdentity? identity) => identity is { Inode: not 0, Size: > 0 } known
        ? new LinkKey(source, known.Device, known.Inode, known.Size, known.ModifiedNanoseconds)
        : null;
}
