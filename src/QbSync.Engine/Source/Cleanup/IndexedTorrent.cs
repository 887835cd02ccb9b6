using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Source.Cleanup;

/// <summary>A torrent of the client with all that it may own on disk, at one look. Immutable.</summary>
/// <param name="Status">What the client said.</param>
/// <param name="Files">Its files at the paths where they are, or would be; wanted or not, since a delete takes them all.</param>
/// <param name="Unplaced">Files of which nobody can tell where they are.</param>
internal sealed record IndexedTorrent(TorrentStatus Status, IReadOnlyList<IndexedFile> Files, IReadOnlyList<UnplacedFile> Unplaced)
{
    public ClientTorrentId Id => Status.Id;
}

/// <summary>A file of a torrent.</summary>
/// <param name="Path">Its path, links resolved.</param>
/// <param name="Length">Its length by the client.</param>
/// <param name="Inode">The file on its device; null when nothing stands at the path.</param>
internal sealed record IndexedFile(string Path, long Length, FileInode? Inode);

/// <summary>A file on a device.</summary>
/// <param name="Id">What it is.</param>
/// <param name="Links">Its names in all.</param>
/// <param name="Bytes">What the delete of the last of them gives back.</param>
internal readonly record struct FileInode(InodeId Id, uint Links, long Bytes);

/// <summary>A file on a device, whatever its names.</summary>
internal readonly record struct InodeId(ulong Device, ulong Inode);

/// <summary>
/// All that is known of a file that cannot be found: outside of every mapped root, being moved, or simply not where it should be. Its path may be, by another
/// mount, the path of a file that we see; then that one has this length, and ends with this name.
/// </summary>
/// <param name="Tail">The name within the torrent: the last folder, if it has one, and the file.</param>
/// <param name="Length">Its length by the client.</param>
internal readonly record struct UnplacedFile(string Tail, long Length)
{
    /// <summary>The end of a path: that many parts of it, without what clients append while a file is not complete.</summary>
    public static string TailOf(string path, int parts)
    {
        var at = path.Length;
        while (parts-- > 0 && at > 0)
        {
            at = path.LastIndexOf('/', at - 1) is var slash and >= 0 ? slash : 0;
        }

        var tail = path[at..].TrimStart('/');
        return tail.EndsWith(FileFinder.IncompleteSuffix, StringComparison.Ordinal) ? tail[..^FileFinder.IncompleteSuffix.Length] : tail;
    }
}
