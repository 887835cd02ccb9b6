using System.Collections.Concurrent;
using QbSync.Ports;

namespace QbSync.Engine.Tests.Source.World;

/// <summary>File systems in memory: folders on devices, and names of inodes below them. Nothing is there until the test puts it there. Thread-safe.</summary>
internal sealed class MemoryDisk : ILocalFiles
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Inode> _files = new(StringComparer.Ordinal);
    private ulong _lastInode = 100;

    /// <summary>Paths at which the system tells nothing.</summary>
    public ConcurrentDictionary<string, bool> Unreadable { get; } = new();

    /// <summary>What the file system of a folder tells; null for a folder that is not there.</summary>
    public Func<string, LocalFileSystem?> GetSpace { get; set; } = static _ => null;

    /// <summary>Makes a file, or another name of one.</summary>
    public void Put(string path, ulong device, long bytes, string? sameAs = null)
    {
        lock (_gate)
        {
            var inode = sameAs is null ? new Inode(device, ++_lastInode, bytes) : _files[sameAs];
            inode.Links++;
            _files[path] = inode;
        }
    }

    /// <summary>Adds a name that no torrent has.</summary>
    public void LinkElsewhere(string path)
    {
        lock (_gate)
        {
            _files[path].Links++;
        }
    }

    public bool Exists(string path)
    {
        lock (_gate)
        {
            return _files.ContainsKey(path);
        }
    }

    /// <summary>Removes a name; what that frees.</summary>
    public long Remove(string path)
    {
        lock (_gate)
        {
            return _files.Remove(path, out var inode) && --inode.Links == 0 ? inode.Bytes : 0;
        }
    }

    public LocalPath Look(string path)
    {
        if (Unreadable.ContainsKey(path))
        {
            return new LocalPath(LocalPathKind.Unknown, path);
        }

        lock (_gate)
        {
            return _files.TryGetValue(path, out var inode)
                ? new LocalPath(LocalPathKind.File, path, inode.Device, inode.Number, inode.Links, inode.Bytes)
                : new LocalPath(LocalPathKind.Absent, path);
        }
    }

    public LocalFileSystem? GetFileSystem(string folder) => GetSpace(folder);

    private sealed class Inode(ulong device, ulong number, long bytes)
    {
        public ulong Device { get; } = device;

        public ulong Number { get; } = number;

        public long Bytes { get; } = bytes;

        public uint Links { get; set; }
    }
}
