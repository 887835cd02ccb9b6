using QbSync.Storage.IO;

namespace QbSync.Testing.FileSystems;

/// <summary>What others do to the disk, and what tests see of it: by path, never failing, at once on the device.</summary>
internal sealed partial class SimFileSystem
{
    /// <summary>Makes folders that are missing.</summary>
    public void AddFolder(string path)
    {
        lock (_gate)
        {
            Folder_NeedsLock(path);
        }
    }

    /// <summary>Makes a file, or replaces one by a new one.</summary>
    public void PutFile(string path, ReadOnlySpan<byte> bytes)
    {
        var content = bytes.ToArray();
        lock (_gate)
        {
            var folder = Folder_NeedsLock(ParentOf(path));
            RemoveIfThere_NeedsLock(folder, NameOf(path));
            var node = Make_NeedsLock(folder, NameOf(path), FileKind.File);
            if (content.Length > 0)
            {
                Apply_NeedsLock(new SimMutation(SimMutationKind.Write) { Node = node.Id, Bytes = content, Time = Now_NeedsLock() });
            }

            Sync_NeedsLock(node, folder);
        }
    }

    /// <summary>Changes bytes in place.</summary>
    public void Overwrite(string path, long offset, ReadOnlySpan<byte> bytes)
    {
        var content = bytes.ToArray();
        lock (_gate)
        {
            var node = Node_NeedsLock(path);
            Apply_NeedsLock(new SimMutation(SimMutationKind.Write) { Node = node.Id, Offset = offset, Bytes = content, Time = Now_NeedsLock() });
            Sync_NeedsLock(node, null);
        }
    }

    public void Truncate(string path, long length)
    {
        lock (_gate)
        {
            var node = Node_NeedsLock(path);
            Apply_NeedsLock(new SimMutation(SimMutationKind.Length) { Node = node.Id, Length = length, Time = Now_NeedsLock() });
            Sync_NeedsLock(node, null);
        }
    }

    /// <summary>Makes a symbolic link, in place of what is there.</summary>
    public void PutLink(string path, string target)
    {
        lock (_gate)
        {
            var folder = Folder_NeedsLock(ParentOf(path));
            RemoveIfThere_NeedsLock(folder, NameOf(path));
            Make_NeedsLock(folder, NameOf(path), FileKind.SymbolicLink, target);
            Sync_NeedsLock(null, folder);
        }
    }

    /// <summary>Removes a file, link or empty folder.</summary>
    public void Delete(string path)
    {
        lock (_gate)
        {
            var folder = Node_NeedsLock(ParentOf(path));
            RemoveIfThere_NeedsLock(folder, NameOf(path));
            Sync_NeedsLock(null, folder);
        }
    }

    public void Move(string path, string newPath)
    {
        lock (_gate)
        {
            var (from, to) = (Node_NeedsLock(ParentOf(path)), Folder_NeedsLock(ParentOf(newPath)));
            Apply_NeedsLock(new SimMutation(SimMutationKind.Rename)
            {
                Node = from.Entries[NameOf(path)],
                Folder = from.Id,
                Name = NameOf(path),
                NewFolder = to.Id,
                NewName = NameOf(newPath),
            });
            Sync_NeedsLock(null, from);
            Sync_NeedsLock(null, to);
        }
    }

    /// <summary>All bytes of a file, or null.</summary>
    public byte[]? ReadFile(string path)
    {
        lock (_gate)
        {
            return Follow_NeedsLock(path) is { Kind: FileKind.File } node ? node.Content.ToArray() : null;
        }
    }

    public FileStat? StatPath(string path)
    {
        lock (_gate)
        {
            return Follow_NeedsLock(ParentOf(path)) is { } folder ? _disk.Find(folder, NameOf(path))?.Stat() : null;
        }
    }

    /// <summary>Paths of all that is below a folder, in order.</summary>
    public IReadOnlyList<string> ListAll(string path)
    {
        lock (_gate)
        {
            var found = new List<string>();
            if (Follow_NeedsLock(path) is { } folder)
            {
                List_NeedsLock(folder, path.TrimEnd('/'), found);
            }

            found.Sort(StringComparer.Ordinal);
            return found;
        }
    }

    /// <summary>Mounts a device on a folder; a device that was mounted before has its content.</summary>
    public void Mount(string path, SimDevice device)
    {
        lock (_gate)
        {
            _disk.Mount(Folder_NeedsLock(path), device);
        }
    }

    /// <summary>Takes a mounted device away; what is open stays open.</summary>
    public void Unmount(SimDevice device)
    {
        lock (_gate)
        {
            _disk.Unmount(device);
        }
    }

    /// <summary>The device of a path, by number: a crash makes new ones.</summary>
    public SimDevice DeviceOf(string path)
    {
        lock (_gate)
        {
            return Node_NeedsLock(path).Device;
        }
    }

    /// <summary>Handles that are open now read other bytes of a file, until it is opened anew.</summary>
    public void MakeStale(string path, Action<byte[]> spoil)
    {
        lock (_gate)
        {
            var node = Node_NeedsLock(path);
            var bytes = node.Content.ToArray();
            spoil(bytes);
            node.Stale = new SimContent();
            node.Stale.Write(bytes, 0);
            node.StaleBefore = _handles + 1;
        }
    }

    private static string ParentOf(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "/";

    private static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    private SimNode Node_NeedsLock(string path) => Follow_NeedsLock(path) ?? throw new FileNotFoundException(path);

    private SimNode Folder_NeedsLock(string path)
    {
        var node = _disk.Resolve(SimDisk.RootId);
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = _disk.Find(node, part);
            if (next is null)
            {
                next = Make_NeedsLock(node, part, FileKind.Folder);
                Sync_NeedsLock(null, node);
            }

            node = next;
        }

        return node;
    }

    private void RemoveIfThere_NeedsLock(SimNode folder, string name)
    {
        if (_disk.Find(folder, name) is { } node)
        {
            Remove_NeedsLock(folder, name, node);
        }
    }

    private void Sync_NeedsLock(SimNode? file, SimNode? folder)
    {
        if (file is not null)
        {
            Apply_NeedsLock(new SimMutation(SimMutationKind.SyncFile) { Node = file.Id });
        }

        if (folder is not null)
        {
            Apply_NeedsLock(new SimMutation(SimMutationKind.SyncFolder) { Node = folder.Id });
        }
    }

    private void List_NeedsLock(SimNode folder, string path, List<string> found)
    {
        foreach (var name in folder.Entries.Keys)
        {
            found.Add($"{path}/{name}");
            if (_disk.Find(folder, name) is { Kind: FileKind.Folder } below)
            {
                List_NeedsLock(below, $"{path}/{name}", found);
            }
        }
    }
}
