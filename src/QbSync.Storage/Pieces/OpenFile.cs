using Microsoft.Win32.SafeHandles;
using QbSync.Ports;
using QbSync.Torrents;

namespace QbSync.Storage.Pieces;

/// <summary>A file of a torrent: place in its list, or below 0 for a part file.</summary>
internal readonly record struct FileKey(InfoHash Torrent, int Index);

/// <summary>A file that <see cref="FileHandleCache"/> holds open. What is settable is guarded by the cache's gate, unless it says otherwise.</summary>
internal sealed class OpenFile(FileKey key, ContentLocation location, ResolvedFile file, SafeFileHandle handle)
{
    private volatile ContentLocation _location = location;
    private volatile PartFileHeader? _header;

    public FileKey Key { get; } = key;

    public SafeFileHandle Handle { get; } = handle;

    public string Path { get; } = file.Path;

    public ulong Device { get; } = file.Identity.Device;

    public ulong Inode { get; } = file.Identity.Inode;

    /// <summary>The location that last led here; another one is looked up before this file serves it. Any thread.</summary>
    public ContentLocation Location
    {
        get => _location;
        set => _location = value;
    }

    /// <summary>What was read of a part file. Any thread.</summary>
    public PartFileHeader? Header
    {
        get => _header;
        set => _header = value;
    }

    public int Leases { get; set; }

    public bool IsCached { get; set; }

    public OpenFile? Newer { get; set; }

    public OpenFile? Older { get; set; }
}
