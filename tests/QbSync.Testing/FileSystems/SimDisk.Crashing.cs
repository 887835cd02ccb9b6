using QbSync.Storage.IO;

namespace QbSync.Testing.FileSystems;

internal sealed partial class SimDisk
{
    private const int Sector = 512;

    /// <summary>What a crash leaves.</summary>
    /// <param name="model">What the file system promises.</param>
    /// <param name="choose">Fate of each change that was not flushed, asked in order, for those that the model leaves open.</param>
    /// <param name="random">Which sectors of a torn write are there.</param>
    public SimDisk Crash(CrashModel model, Func<SimMutation, CrashFate> choose, Random random)
    {
        var left = CopyDurable();
        var fates = Decide(model, choose);
        for (var i = 0; i < _unflushed.Count; i++)
        {
            left.Redo(_unflushed[i].Change, fates[i], model, random);
        }

        left.Settle();
        return left;
    }

    /// <summary>A copy in which everything is flushed.</summary>
    public SimDisk CopyFlushed() => Crash(CrashModel.Weak, static _ => CrashFate.Kept, new Random(0));

    private CrashFate[] Decide(CrashModel model, Func<SimMutation, CrashFate> choose)
    {
        var fates = new CrashFate[_unflushed.Count];
        var isCut = false;
        for (var i = 0; i < fates.Length; i++)
        {
            var item = _unflushed[i];
            if (model == CrashModel.Weak || !item.Change.IsMetadata)
            {
                fates[i] = choose(item.Change);
            }
            else
            {
                isCut |= !item.IsLogged && choose(item.Change) == CrashFate.Lost;
                fates[i] = isCut && !item.IsLogged ? CrashFate.Lost : CrashFate.Kept;
            }
        }

        if (model == CrashModel.Ordered)
        {
            var named = new HashSet<long>();
            for (var i = fates.Length - 1; i >= 0; i--)
            {
                var change = _unflushed[i].Change;
                if (change.IsMetadata && fates[i] == CrashFate.Kept)
                {
                    named.Add(change.Node);
                }
                else if (change.Kind == SimMutationKind.Write && named.Contains(change.Node))
                {
                    fates[i] = CrashFate.Kept;
                }
            }
        }

        return fates;
    }

    private SimDisk CopyDurable()
    {
        var copy = new SimDisk { _lastId = _lastId };
        var devices = _devices.ToDictionary(static device => device, static device => device.Clone());
        copy._devices.AddRange(_devices.Select(device => devices[device]));
        foreach (var node in _nodes.Values)
        {
            copy._nodes[node.Id] = new SimNode(node.Id, node.Number, node.Kind, devices[node.Device])
            {
                IsTop = node.IsTop,
                Target = node.Target,
                Content = node.Durable.Clone(),
                Entries = new Dictionary<string, long>(node.DurableEntries, node.Device.Names),
                Modified = node.DurableModified,
                Reserved = node.Reserved,
            };
        }

        foreach (var (folder, top) in _mounts)
        {
            copy._mounts[folder] = top;
        }

        return copy;
    }

    private void Redo(SimMutation change, CrashFate fate, CrashModel model, Random random)
    {
        var node = _nodes[change.Node];
        if (fate == CrashFate.Lost)
        {
            // Late allocation: the length is there, the bytes are zeros.
            if (model == CrashModel.Delayed && change.Kind == SimMutationKind.Write)
            {
                node.Content.SetLength(Math.Max(node.Content.Length, change.Offset + change.Bytes!.Length));
            }

            return;
        }

        switch (change.Kind)
        {
            case SimMutationKind.Write:
                RedoWrite(node, change, fate == CrashFate.Torn ? random : null);
                break;
            case SimMutationKind.Length when !change.Reserves || change.Length > node.Content.Length:
                node.Content.SetLength(change.Length);
                break;
            case SimMutationKind.Make:
                _nodes[change.Folder].Entries[change.Name] = change.Node;
                break;
            case SimMutationKind.Rename or SimMutationKind.Link:
                _nodes[change.NewFolder].Entries[change.NewName] = change.Node;
                break;
        }

        if (change.Kind is SimMutationKind.Rename or SimMutationKind.Remove && _nodes[change.Folder].Entries.GetValueOrDefault(change.Name) == change.Node)
        {
            _nodes[change.Folder].Entries.Remove(change.Name);
        }
    }

    private static void RedoWrite(SimNode node, SimMutation change, Random? torn)
    {
        node.Modified = change.Time;
        if (torn is null)
        {
            node.Content.Write(change.Bytes, change.Offset);
            return;
        }

        for (var done = 0; done < change.Bytes!.Length;)
        {
            var length = Math.Min(change.Bytes.Length - done, Sector - (int)((change.Offset + done) % Sector));
            if (torn.Next(2) == 0)
            {
                node.Content.Write(change.Bytes.AsSpan(done, length), change.Offset + done);
            }

            done += length;
        }
    }

    /// <summary>Counts names, drops what none leads to, and takes all of it for flushed.</summary>
    private void Settle()
    {
        var reached = new HashSet<long>();
        var ways = new Stack<SimNode>(_nodes.Values.Where(static node => node.IsTop || node.Id == RootId));
        while (ways.TryPop(out var folder))
        {
            reached.Add(folder.Id);
            foreach (var id in folder.Entries.Values)
            {
                var node = _nodes[id];
                node.Links++;
                node.DurableLinks++;
                if (reached.Add(id) && node.Kind == FileKind.Folder)
                {
                    ways.Push(node);
                }
            }
        }

        foreach (var node in _nodes.Values.ToList())
        {
            if (!reached.Contains(node.Id))
            {
                _nodes.Remove(node.Id);
                continue;
            }

            node.Durable = node.Content.Clone();
            node.DurableModified = node.Modified;
            node.Reserved = Math.Min(node.Reserved, node.Content.Length);
            node.Device.Used += node.Used;
            foreach (var (name, id) in node.Entries)
            {
                node.DurableEntries[name] = id;
            }
        }
    }
}
