using QbSync.Engine.Source.Cleanup;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Engine.Tests.Source.Cleanup;

/// <summary>Torrents as the index of paths gives them.</summary>
internal static class Indexed
{
    public static IndexedTorrent Torrent(string id, params IndexedFile[] files) => new(Status(id), files, []);

    public static IndexedTorrent Lost(string id, params UnplacedFile[] files) => new(Status(id), [], files);

    /// <summary>A file with its names in all.</summary>
    public static IndexedFile File(string path, ulong inode, uint links = 1, long bytes = 100, ulong device = 1) =>
        new(path, bytes, new FileInode(new InodeId(device, inode), links, bytes));

    public static IndexedFile Absent(string path) => new(path, 100, null);

    public static TorrentStatus Status(string id) => new() { Id = new ClientTorrentId(id), Name = id, State = ClientTorrentState.StalledUp };
}
