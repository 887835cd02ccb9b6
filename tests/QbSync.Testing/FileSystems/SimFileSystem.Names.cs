using QbSync.Storage.IO;

namespace QbSync.Testing.FileSystems;

internal sealed partial class SimFileSystem
{
    public FileStat Stat(FileHandle file)
    {
        var handle = Handle(file);
        Enter("Stat", handle.Path);
        lock (_gate)
        {
            Check_NeedsLock(handle.Node, isChange: false);
            return handle.Node.Stat();
        }
    }

    public FileStat? Stat(FileHandle folder, string name)
    {
        var from = Handle(folder);
        Enter("Stat", $"{from.Path}/{name}");
        lock (_gate)
        {
            Check_NeedsLock(from.Node, name);
            return _disk.Find(from.Node, name)?.Stat();
        }
    }

    public bool RenameNew(FileHandle folder, string name, FileHandle newFolder, string newName) =>
        Rename("RenameNew", Handle(folder), name, Handle(newFolder), newName, replaces: false);

    public void RenameOver(FileHandle folder, string name, string newName) => Rename("RenameOver", Handle(folder), name, Handle(folder), newName, replaces: true);

    public bool Link(FileHandle folder, string name, FileHandle newFolder, string newName)
    {
        var (from, to) = (Handle(folder), Handle(newFolder));
        Enter("Link", $"{to.Path}/{newName}", isChange: true);
        lock (_gate)
        {
            var node = Present_NeedsLock(from, name, isChange: true);
            Check_NeedsLock(to.Node, newName, isChange: true);
            if (to.Node.Entries.ContainsKey(newName))
            {
                return false;
            }

            var errno = from.Node.Device != to.Node.Device ? SimErrors.CrossDevice
                : node.Kind == FileKind.Folder || node.Device.MaxLinks == 0 ? SimErrors.NotPermitted
                : node.Links >= node.Device.MaxLinks ? SimErrors.TooManyLinks : 0;
            if (errno != 0)
            {
                throw SimErrors.Create(errno, name);
            }

            Apply_NeedsLock(new SimMutation(SimMutationKind.Link) { Node = node.Id, Folder = from.Node.Id, Name = name, NewFolder = to.Node.Id, NewName = newName });
            return true;
        }
    }

    public bool Unlink(FileHandle folder, string name)
    {
        var from = Handle(folder);
        Enter("Unlink", $"{from.Path}/{name}", isChange: true);
        lock (_gate)
        {
            Check_NeedsLock(from.Node, name, isChange: true);
            if (_disk.Find(from.Node, name) is not { } node)
            {
                return false;
            }

            if (node.Kind == FileKind.Folder)
            {
                throw SimErrors.Create(21, name);
            }

            Remove_NeedsLock(from.Node, name, node);
            return true;
        }
    }

    public bool MakeFolder(FileHandle folder, string name)
    {
        var from = Handle(folder);
        Enter("MakeFolder", $"{from.Path}/{name}", isChange: true);
        lock (_gate)
        {
            Check_NeedsLock(from.Node, name, isChange: true);
            if (from.Node.Entries.ContainsKey(name))
            {
                return false;
            }

            Make_NeedsLock(from.Node, name, FileKind.Folder);
            return true;
        }
    }

    public bool RemoveFolder(FileHandle folder, string name)
    {
        var from = Handle(folder);
        Enter("RemoveFolder", $"{from.Path}/{name}", isChange: true);
        lock (_gate)
        {
            Check_NeedsLock(from.Node, name, isChange: true);
            if (_disk.Find(from.Node, name) is not { } node || node.Entries.Count > 0)
            {
                return false;
            }

            if (node.Kind != FileKind.Folder)
            {
                throw SimErrors.Create(20, name);
            }

            Remove_NeedsLock(from.Node, name, node);
            return true;
        }
    }

    public IReadOnlyList<string> List(FileHandle folder)
    {
        var handle = Handle(folder);
        Enter("List", handle.Path);
        lock (_gate)
        {
            Check_NeedsLock(handle.Node, isChange: false);
            return [.. handle.Node.Entries.Keys];
        }
    }

    public long GetFreeBytes(FileHandle folder)
    {
        var handle = Handle(folder);
        Enter("GetFreeBytes", handle.Path);
        lock (_gate)
        {
            Check_NeedsLock(handle.Node, isChange: false);
            return handle.Node.Device.Free;
        }
    }

    public bool IsMemory(FileHandle folder) => false;

    public bool IsNetwork(FileHandle folder)
    {
        var handle = Handle(folder);
        Enter("IsNetwork", handle.Path);
        return handle.Node.Device.IsNetwork;
    }

    private bool Rename(string operation, SimFileHandle from, string name, SimFileHandle to, string newName, bool replaces)
    {
        Enter(operation, $"{to.Path}/{newName}", isChange: true);
        lock (_gate)
        {
            var node = Present_NeedsLock(from, name, isChange: true);
            Check_NeedsLock(to.Node, newName, isChange: true);
            var taken = _disk.Find(to.Node, newName);
            if (taken is not null && (!replaces || taken == node))
            {
                return replaces;
            }

            if (from.Node.Device != to.Node.Device)
            {
                throw SimErrors.Create(SimErrors.CrossDevice, name);
            }

            Apply_NeedsLock(new SimMutation(SimMutationKind.Rename) { Node = node.Id, Folder = from.Node.Id, Name = name, NewFolder = to.Node.Id, NewName = newName });
            return true;
        }
    }

    private SimNode Present_NeedsLock(SimFileHandle folder, string name, bool isChange)
    {
        Check_NeedsLock(folder.Node, name, isChange);
        return _disk.Find(folder.Node, name) ?? throw SimErrors.Create(2, $"{folder.Path}/{name}");
    }

    private void Remove_NeedsLock(SimNode folder, string name, SimNode node) =>
        Apply_NeedsLock(new SimMutation(SimMutationKind.Remove) { Node = node.Id, Folder = folder.Id, Name = name });
}
