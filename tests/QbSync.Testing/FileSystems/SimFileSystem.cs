using System.Text;
using QbSync.Storage.IO;

namespace QbSync.Testing.FileSystems;

/// <summary>
/// A file system in memory that knows what a power cut would leave. Thread-safe and fast; every call may be seen, delayed or failed by <see cref="Before"/>. A crash
/// ends it, so that what is left of the process before it has no effect, and gives another one over what the crash left.
/// </summary>
internal sealed partial class SimFileSystem : IFileSystem
{
    private const int MaxLinksFollowed = 40;
    private readonly Lock _gate = new();
    private readonly SimDisk _disk;
    private List<SimMutation>? _trace;
    private long _handles;
    private long _clock;
    private volatile bool _isGone;

    /// <summary>An empty device.</summary>
    public SimFileSystem()
        : this(new SimDevice(1))
    {
    }

    /// <summary>An empty device with these settings.</summary>
    public SimFileSystem(SimDevice device)
        : this(new SimDisk(device))
    {
    }

    /// <summary>A machine that starts with this disk.</summary>
    public SimFileSystem(SimDisk disk) => _disk = disk;

    /// <summary>Called before each call of the tested code, outside all locks: it may look, wait, or throw what the call is to fail with.</summary>
    public Action<SimCall>? Before { get; set; }

    /// <summary>How many bytes a read that is about to be made may give; null for all.</summary>
    public Func<SimCall, int?>? ShortRead { get; set; }

    /// <summary>Nanoseconds since 1970, as the times of files have it.</summary>
    public Func<long> Clock { get; set; } = static () => 1_700_000_000_000_000_000;

    /// <summary>Handles that are open.</summary>
    public int OpenHandles { get; private set; }

    /// <summary>The device of "/".</summary>
    public SimDevice Device => _disk.Devices[0];

    public FileHandle? OpenRoot(string path)
    {
        Enter("OpenRoot", path);
        lock (_gate)
        {
            var node = Follow_NeedsLock(path);
            return node is null ? null : node.Kind == FileKind.Folder ? Open_NeedsLock(node, path, false) : throw SimErrors.Create(20, path);
        }
    }

    public FileHandle? OpenFolder(FileHandle folder, string relativePath)
    {
        var from = Handle(folder);
        Enter("OpenFolder", relativePath.Length == 0 ? from.Path : $"{from.Path}/{relativePath}");
        lock (_gate)
        {
            var node = from.Node;
            foreach (var part in relativePath.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                Check_NeedsLock(node, part);
                if (_disk.Find(node, part) is not { } next)
                {
                    return null;
                }

                node = next.Kind == FileKind.Folder ? next : throw SimErrors.Create(next.Kind == FileKind.SymbolicLink ? 40 : 20, part);
            }

            return Open_NeedsLock(node, relativePath.Length == 0 ? from.Path : $"{from.Path}/{relativePath}", false);
        }
    }

    public FileHandle? OpenFile(FileHandle folder, string name, bool writable)
    {
        var from = Handle(folder);
        var path = $"{from.Path}/{name}";
        Enter("OpenFile", path);
        lock (_gate)
        {
            Check_NeedsLock(from.Node, name);
            if (_disk.Find(from.Node, name) is not { } node)
            {
                return null;
            }

            if (writable && node.Device.IsReadOnly)
            {
                throw SimErrors.Create(SimErrors.ReadOnly, path);
            }

            return node.Kind switch
            {
                FileKind.File => Open_NeedsLock(node, path, writable),
                FileKind.SymbolicLink => throw SimErrors.Create(40, path),
                _ => throw new StorageException(StorageFault.PathRefused, $"'{name}' is not a regular file."),
            };
        }
    }

    public FileHandle? CreateFile(FileHandle folder, string name)
    {
        var from = Handle(folder);
        var path = $"{from.Path}/{name}";
        Enter("CreateFile", path, isChange: true);
        lock (_gate)
        {
            Check_NeedsLock(from.Node, name, isChange: true);
            if (from.Node.Entries.ContainsKey(name))
            {
                return null;
            }

            return Open_NeedsLock(Make_NeedsLock(from.Node, name, FileKind.File), path, true);
        }
    }

    public bool TryLock(FileHandle file)
    {
        var handle = Handle(file);
        Enter("TryLock", handle.Path);
        lock (_gate)
        {
            handle.Node.Locked ??= handle;
            return handle.Node.Locked == handle;
        }
    }

    /// <summary>The changes since now, until the crash.</summary>
    public void StartTrace()
    {
        lock (_gate)
        {
            _trace = [];
        }
    }

    /// <summary>The changes since <see cref="StartTrace"/>.</summary>
    public IReadOnlyList<SimMutation> CopyTrace()
    {
        lock (_gate)
        {
            return [.. _trace ?? []];
        }
    }

    /// <summary>A copy of the disk in which everything is flushed.</summary>
    public SimDisk CopyDisk()
    {
        lock (_gate)
        {
            return _disk.CopyFlushed();
        }
    }

    /// <summary>The power goes, and comes again: of what was not flushed the model keeps what the seed says.</summary>
    public SimFileSystem Crash(int seed, CrashModel model)
    {
        var random = new Random(seed);
        return Crash(model, _ => (CrashFate)random.Next(3), random);
    }

    /// <summary>The power goes, and comes again.</summary>
    public SimFileSystem Crash(CrashModel model, Func<SimMutation, CrashFate> choose, Random random)
    {
        lock (_gate)
        {
            _isGone = true;
            return new SimFileSystem(_disk.Crash(model, choose, random)) { _clock = _clock, Clock = Clock };
        }
    }

    /// <summary>The process is killed and starts again; the machine stays up, so nothing is lost.</summary>
    public SimFileSystem Kill() => Crash(CrashModel.Weak, static _ => CrashFate.Kept, new Random(0));

    internal void Closed(SimFileHandle handle)
    {
        lock (_gate)
        {
            OpenHandles--;
            handle.Node.Opens--;
            if (handle.Node.Locked == handle)
            {
                handle.Node.Locked = null;
            }

            _disk.Collect(handle.Node);
        }
    }

    private SimFileHandle Handle(FileHandle handle)
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        return (SimFileHandle)handle;
    }

    private void Enter(string operation, string path, bool isChange = false)
    {
        Before?.Invoke(new SimCall(operation, path, isChange));
        if (_isGone)
        {
            throw new StorageException(StorageFault.Io, "The process is gone.");
        }
    }

    private SimFileHandle Open_NeedsLock(SimNode node, string path, bool writable)
    {
        node.Opens++;
        OpenHandles++;
        return new SimFileHandle(this, node, path, writable, ++_handles);
    }

    private static void Check_NeedsLock(SimNode folder, string name, bool isChange = false)
    {
        if (!SafePath.IsPart(name) && Encoding.UTF8.GetByteCount(name) <= 255)
        {
            throw new StorageException(StorageFault.PathRefused, $"'{name}' is not the name of a file.");
        }

        if (folder.Kind != FileKind.Folder || Encoding.UTF8.GetByteCount(name) > folder.Device.MaxName)
        {
            throw SimErrors.Create(folder.Kind != FileKind.Folder ? 20 : SimErrors.NameTooLong, name);
        }

        Check_NeedsLock(folder, isChange);
    }

    private static void Check_NeedsLock(SimNode node, bool isChange)
    {
        if (node.Device.IsBroken)
        {
            throw SimErrors.Create(SimErrors.InputOutput, $"#{node.Number}");
        }

        if (isChange && node.Device.IsReadOnly)
        {
            throw SimErrors.Create(SimErrors.ReadOnly, $"#{node.Number}");
        }
    }

    private SimNode Make_NeedsLock(SimNode folder, string name, FileKind kind, string target = "")
    {
        if (folder.Device.Free < SimContent.PageSize)
        {
            throw SimErrors.Create(SimErrors.NoSpace, name);
        }

        var id = _disk.NewId();
        Apply_NeedsLock(new SimMutation(SimMutationKind.Make)
        {
            Node = id,
            Folder = folder.Id,
            Name = name,
            FileKind = kind,
            Target = target,
            Number = SimDisk.NewNumber(folder.Device),
            Time = Now_NeedsLock(),
        });
        return _disk[id];
    }

    private void Apply_NeedsLock(SimMutation change)
    {
        _disk.Apply(change);
        _trace?.Add(change);
    }

    /// <summary>Each change has a time of its own.</summary>
    private long Now_NeedsLock() => _clock = Math.Max(_clock + 1, Clock());

    private SimNode? Follow_NeedsLock(string path)
    {
        var parts = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var ways = new Stack<SimNode>([_disk.Resolve(SimDisk.RootId)]);
        for (var followed = 0; parts.TryPop(out var part);)
        {
            if (part == "..")
            {
                if (ways.Count > 1)
                {
                    ways.Pop();
                }

                continue;
            }

            if (_disk.Find(ways.Peek(), part) is not { } next)
            {
                return null;
            }

            if (next.Kind != FileKind.SymbolicLink)
            {
                ways.Push(next);
                continue;
            }

            if (++followed > MaxLinksFollowed)
            {
                throw SimErrors.Create(40, path);
            }

            if (next.Target.StartsWith('/'))
            {
                ways = new Stack<SimNode>([_disk.Resolve(SimDisk.RootId)]);
            }

            foreach (var piece in next.Target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                parts.Push(piece);
            }
        }

        return ways.Peek();
    }
}
