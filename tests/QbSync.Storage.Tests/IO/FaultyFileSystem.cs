using System.Collections.Concurrent;
using QbSync.Storage.IO;

namespace QbSync.Storage.Tests.IO;

/// <summary>A call that is about to be made: its name, and the name of the file or folder that it is about.</summary>
internal readonly record struct FileCall(string Operation, string Name);

/// <summary>
/// The real file system, with faults that a test decides before each call, a record of the calls, and a crash after which nothing has an effect any more.
/// </summary>
internal sealed class FaultyFileSystem : IFileSystem
{
    private readonly IFileSystem _real = LinuxFileSystem.Create();
    private readonly ConcurrentDictionary<FileHandle, string> _names = new();
    private readonly ConcurrentQueue<FileCall> _calls = new();
    private volatile bool _isCrashed;

    /// <summary>Returns the failure of a call, or null to let it through.</summary>
    public Func<FileCall, StorageException?>? Fault { get; set; }

    public IReadOnlyList<FileCall> Calls => [.. _calls];

    public static StorageException NoSpace { get; } = new(StorageFault.NoSpace, "No space left on device.");

    public static StorageException InputOutput { get; } = new(StorageFault.Io, "Input/output error.");

    public void ClearCalls() => _calls.Clear();

    /// <summary>The process is gone: locks are free, calls fail.</summary>
    public void Crash()
    {
        _isCrashed = true;
        foreach (var handle in _names.Keys)
        {
            handle.Dispose();
        }
    }

    public FileHandle? OpenRoot(string path) => Note(_real.OpenRoot(Before("OpenRoot", path)), path);

    public FileHandle? OpenFolder(FileHandle folder, string relativePath) =>
        Note(_real.OpenFolder(folder, Before("OpenFolder", relativePath)), relativePath.Length == 0 ? _names.GetValueOrDefault(folder, "") : relativePath);

    public FileHandle? OpenFile(FileHandle folder, string name, bool writable) => Note(_real.OpenFile(folder, Before("OpenFile", name), writable), name);

    public FileHandle? CreateFile(FileHandle folder, string name) => Note(_real.CreateFile(folder, Before("CreateFile", name)), name);

    public int Read(FileHandle file, Span<byte> destination, long offset)
    {
        Before("Read", file);
        return _real.Read(file, destination, offset);
    }

    public void Write(FileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        Before("Write", file);
        _real.Write(file, source, offset);
    }

    public void SetLength(FileHandle file, long length)
    {
        Before("SetLength", file);
        _real.SetLength(file, length);
    }

    public bool TryAllocate(FileHandle file, long length)
    {
        Before("TryAllocate", file);
        return _real.TryAllocate(file, length);
    }

    public void Sync(FileHandle file)
    {
        Before("Sync", file);
        _real.Sync(file);
    }

    public bool SyncFolder(FileHandle folder)
    {
        Before("SyncFolder", folder);
        return _real.SyncFolder(folder);
    }

    public FileStat Stat(FileHandle file)
    {
        Before("Stat", file);
        return _real.Stat(file);
    }

    public FileStat? Stat(FileHandle folder, string name) => _real.Stat(folder, Before("Stat", name));

    public bool RenameNew(FileHandle folder, string name, FileHandle newFolder, string newName) =>
        _real.RenameNew(folder, name, newFolder, Before("RenameNew", newName));

    public void RenameOver(FileHandle folder, string name, string newName) => _real.RenameOver(folder, name, Before("RenameOver", newName));

    public bool Link(FileHandle folder, string name, FileHandle newFolder, string newName) => _real.Link(folder, name, newFolder, Before("Link", newName));

    public bool Unlink(FileHandle folder, string name) => _real.Unlink(folder, Before("Unlink", name));

    public bool MakeFolder(FileHandle folder, string name) => _real.MakeFolder(folder, Before("MakeFolder", name));

    public bool RemoveFolder(FileHandle folder, string name) => _real.RemoveFolder(folder, Before("RemoveFolder", name));

    public IReadOnlyList<string> List(FileHandle folder)
    {
        Before("List", folder);
        return _real.List(folder);
    }

    public long GetFreeBytes(FileHandle folder)
    {
        Before("GetFreeBytes", folder);
        return _real.GetFreeBytes(folder);
    }

    public bool TryLock(FileHandle file)
    {
        Before("TryLock", file);
        return _real.TryLock(file);
    }

    private void Before(string operation, FileHandle handle) => Before(operation, _names.GetValueOrDefault(handle, ""));

    private string Before(string operation, string name)
    {
        if (_isCrashed)
        {
            throw new StorageException(StorageFault.Io, "The process is gone.");
        }

        var call = new FileCall(operation, name);
        _calls.Enqueue(call);
        return Fault?.Invoke(call) is { } failure ? throw failure : name;
    }

    private FileHandle? Note(FileHandle? handle, string name)
    {
        if (handle is not null)
        {
            _names[handle] = name;
        }

        return handle;
    }
}
