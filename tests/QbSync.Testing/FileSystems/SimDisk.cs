using QbSync.Storage.IO;

namespace QbSync.Testing.FileSystems;

/// <summary>
/// The nodes of a <see cref="SimFileSystem"/> and the changes that were not flushed. Changes come as <see cref="SimMutation"/>s only, so that a list of them can be
/// made again on another disk. Not thread-safe.
/// </summary>
internal sealed partial class SimDisk
{
    /// <summary>Id of the topmost folder.</summary>
    public const long RootId = 1;

    private readonly Dictionary<long, SimNode> _nodes = [];
    private readonly Dictionary<long, long> _mounts = [];
    private readonly List<SimDevice> _devices = [];
    private readonly HashSet<long> _forgotten = [];
    private List<Unflushed> _unflushed = [];
    private long _lastId = RootId;

    public SimDisk(SimDevice device)
    {
        _devices.Add(device);
        _nodes[RootId] = new SimNode(RootId, device.LastNumber, FileKind.Folder, device);
    }

    private SimDisk()
    {
    }

    public IReadOnlyList<SimDevice> Devices => _devices;

    /// <summary>Changes that a crash may lose.</summary>
    public int PendingCount => _unflushed.Count;

    public SimNode this[long id] => _nodes[id];

    public long NewId() => ++_lastId;

    /// <summary>The node, or what is mounted on it.</summary>
    public SimNode Resolve(long id) => _nodes[_mounts.GetValueOrDefault(id, id)];

    public SimNode? Find(SimNode folder, string name) => folder.Entries.TryGetValue(name, out var id) ? Resolve(id) : null;

    /// <summary>Mounts a device, new and empty or known, on a folder.</summary>
    public void Mount(SimNode folder, SimDevice device)
    {
        var top = _nodes.Values.FirstOrDefault(node => node.Device == device && node.IsTop);
        if (top is null)
        {
            _devices.Add(device);
            top = new SimNode(NewId(), device.LastNumber, FileKind.Folder, device) { IsTop = true };
            _nodes[top.Id] = top;
        }

        _mounts[folder.Id] = top.Id;
    }

    /// <summary>Takes away a mounted device; handles stay.</summary>
    public void Unmount(SimDevice device)
    {
        foreach (var (folder, top) in _mounts.Where(pair => _nodes[pair.Value].Device == device).ToList())
        {
            _mounts.Remove(folder);
        }
    }

    /// <summary>Number for a new node of a device.</summary>
    public static ulong NewNumber(SimDevice device) => device.ReusesNumbers && device.Freed.TryPop(out var freed) ? freed : ++device.LastNumber;

    /// <summary>Makes a change.</summary>
    public void Apply(SimMutation change)
    {
        switch (change.Kind)
        {
            case SimMutationKind.SyncFile:
                SyncFile(_nodes[change.Node]);
                return;
            case SimMutationKind.SyncFolder:
                SyncFolder(_nodes[change.Node]);
                return;
            case SimMutationKind.Make:
                Make(change);
                break;
            case SimMutationKind.Write:
                Write(_nodes[change.Node], change);
                break;
            case SimMutationKind.Length:
                SetLength(_nodes[change.Node], change);
                break;
            default:
                ChangeNames(change);
                break;
        }

        _unflushed.Add(new Unflushed(change));
    }

    /// <summary>The last handle of a node was closed, or its last name removed: its space is free. A crash may yet bring it back.</summary>
    public void Collect(SimNode node)
    {
        if (node.Links == 0 && node.Opens == 0 && !node.IsTop && node.Id != RootId && _forgotten.Add(node.Id))
        {
            node.Device.Used -= node.Used;
            Purge();
        }
    }

    /// <summary>A failed flush: what was not flushed of a file never will be, and is not read again either.</summary>
    public void LoseUnflushed(SimNode node)
    {
        _unflushed.RemoveAll(item => item.Change.Node == node.Id && item.Change.Kind == SimMutationKind.Write);
        var length = node.Content.Length;
        node.Device.Used -= node.Used;
        node.Content = node.Durable.Clone();
        node.Content.SetLength(length);
        node.Device.Used += node.Used;
    }

    private void Make(SimMutation change)
    {
        var folder = _nodes[change.Folder];
        _lastId = Math.Max(_lastId, change.Node);
        folder.Device.LastNumber = Math.Max(folder.Device.LastNumber, change.Number);
        _nodes[change.Node] = new SimNode(change.Node, change.Number, change.FileKind, folder.Device)
        {
            Target = change.Target,
            Links = 1,
            Modified = change.Time,
            DurableModified = change.Time,
        };
        folder.Entries[change.Name] = change.Node;
    }

    private static void Write(SimNode node, SimMutation change)
    {
        node.Device.Used -= node.Used;
        node.Content.Write(change.Bytes, change.Offset);
        node.Modified = change.Time;
        node.Device.Used += node.Used;
    }

    private static void SetLength(SimNode node, SimMutation change)
    {
        node.Device.Used -= node.Used;
        node.Reserved = change.Reserves ? Math.Max(node.Reserved, change.Length) : Math.Min(node.Reserved, change.Length);
        if (!change.Reserves || change.Length > node.Content.Length)
        {
            node.Content.SetLength(change.Length);
        }

        node.Modified = change.Time;
        node.Device.Used += node.Used;
    }

    private void ChangeNames(SimMutation change)
    {
        if (change.Kind is SimMutationKind.Rename or SimMutationKind.Link)
        {
            var folder = _nodes[change.NewFolder];
            Drop(folder, change.NewName);
            folder.Entries[change.NewName] = change.Node;
            _nodes[change.Node].Links++;
        }

        if (change.Kind is SimMutationKind.Rename or SimMutationKind.Remove)
        {
            Drop(_nodes[change.Folder], change.Name);
        }
    }

    private void Drop(SimNode folder, string name)
    {
        if (folder.Entries.Remove(name, out var id))
        {
            var node = _nodes[id];
            node.Links--;
            Collect(node);
        }
    }

    private void SyncFile(SimNode node)
    {
        node.Durable = node.Content.Clone();
        node.DurableModified = node.Modified;
        _unflushed.RemoveAll(item => item.Change.Node == node.Id && item.Change.Kind is SimMutationKind.Write or SimMutationKind.Length);
        Flushed(node.Device);
    }

    private void SyncFolder(SimNode node)
    {
        // A rename between two folders is one step: flushing one of them carries the other's part of it.
        foreach (var item in _unflushed)
        {
            if (item.Change.Touches(node.Id))
            {
                ApplyDurably(item.Change);
            }
        }

        _unflushed.RemoveAll(item => item.Change.Touches(node.Id));
        Flushed(node.Device);
        Purge();
    }

    private void ApplyDurably(SimMutation change)
    {
        if (change.Kind == SimMutationKind.Make)
        {
            SetDurable(_nodes[change.Folder], change.Name, change.Node);
        }

        if (change.Kind is SimMutationKind.Rename or SimMutationKind.Link)
        {
            SetDurable(_nodes[change.NewFolder], change.NewName, change.Node);
        }

        if (change.Kind is SimMutationKind.Rename or SimMutationKind.Remove && _nodes[change.Folder].DurableEntries.GetValueOrDefault(change.Name) == change.Node)
        {
            SetDurable(_nodes[change.Folder], change.Name, 0);
        }
    }

    private void SetDurable(SimNode folder, string name, long id)
    {
        if (folder.DurableEntries.Remove(name, out var old) && _nodes.TryGetValue(old, out var node))
        {
            node.DurableLinks--;
        }

        if (id != 0)
        {
            folder.DurableEntries[name] = id;
            _nodes[id].DurableLinks++;
        }
    }

    private void Flushed(SimDevice device)
    {
        foreach (var item in _unflushed)
        {
            item.IsLogged |= item.Change.IsMetadata && _nodes[item.Change.Node].Device == device;
        }
    }

    /// <summary>Drops nodes that no crash can bring back; their numbers are free.</summary>
    private void Purge()
    {
        while (_forgotten.Count > 0)
        {
            var gone = _forgotten.FirstOrDefault(id => _nodes[id].DurableLinks == 0 && !_unflushed.Exists(item => item.Change.Node == id));
            if (gone == 0)
            {
                return;
            }

            _forgotten.Remove(gone);
            _nodes.Remove(gone, out var node);
            node!.Device.Freed.Push(node.Number);
            _unflushed.RemoveAll(item => item.Change.Touches(gone)); // what happened in a folder that is gone
            foreach (var below in node.DurableEntries.Values)
            {
                _nodes[below].DurableLinks--;
            }
        }
    }

    /// <summary>A change that was not flushed itself.</summary>
    private sealed class Unflushed(SimMutation change)
    {
        public SimMutation Change { get; } = change;

        /// <summary>Whether a later flush of anything carried it, where names and lengths are kept in order.</summary>
        public bool IsLogged { get; set; }
    }
}
