using System.Collections.Concurrent;
using QbSync.Storage.IO;

namespace QbSync.Storage.Tests.IO;

/// <summary>A call that is about to be made: its name, and the name of the file or folder that it is about.</summary>
internal readonly record struct FileCall(string Operation, string Name);

/// <summary>Changes bytes that were read of a file; returns how many there are.</summary>
internal delegate int ReadSpoiler(string name, Span<byte> bytes);

/// <summary>
/// The real file system, with faults that a test decides before each call, a record of the calls, and a crash after which nothing has an effect any more.
/// Bytes that were not flushed are lost, as zeros, by a failed flush and by a power cut.
/// </summary>
internal sealed class FaultyFileSystem(IFileSystem? real = null) : IFileSystem
{
    private readonly IFileSystem _real = real ?? LinuxFileSystem.Create();
    private readonly ConcurrentDictionary<FileHandle, string> _names = new();
    private readonly ConcurrentQueue<FileCall> _calls = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong Device, ulong Inode), UnsyncedFile> _unsynced = [];
    private readonly ConcurrentDictionary<FileHandle, UnsyncedFile> _written = new();
    private volatile bool _isCrashed;

    /// <summary>Returns the failure of a call, or null to let it through.</summary>
    public Func<FileCall, StorageException?>? Fault { get; set; }

    /// <summary>Changes what a read brings; returns how much it is.</summary>
    public ReadSpoiler? AfterRead { get; set; }

    /// <summary>Whether every folder is one of another machine.</summary>
    public bool IsRemote { get; set; }

    /// <summary>Whether what was not flushed can be lost; that takes a descriptor for each file.</summary>
    public bool KeepsUnsynced { get; set; } = true;

    /// <summary>Whether files can share blocks, whatever the file system below.</summary>
    public bool Clones { get; set; }

    /// <summary>What the device says is free; null for what the real one says.</summary>
    public long? FreeBytes { get; set; }

    public IReadOnlyList<FileCall> Calls => [.. _calls];

    /// <summary>Handles that are open, by name.</summary>
    public int CountOpen(Predicate<string> isCounted) => _names.Count(pair => !pair.Key.IsClosed && isCounted(pair.Value));

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

    /// <summary>As <see cref="Crash"/>, and of each range that was not flushed the disk has what it had before, or not.</summary>
    public void CutPower(Random random)
    {
        _isCrashed = true;
        lock (_gate)
        {
            foreach (var file in _unsynced.Values)
            {
                file.Lose(_real, _ => random.Next(2) == 0);
            }
        }

        Crash();
    }

    public FileHandle? OpenRoot(string path) => Note(_real.OpenRoot(Before("OpenRoot", path)), path);

    public FileHandle? OpenFolder(FileHandle folder, string relativePath) =>
        Note(_real.OpenFolder(folder, Before("OpenFolder", relativePath)), relativePath.Length == 0 ? _names.GetValueOrDefault(folder, "") : relativePath);

    public FileHandle? OpenFile(FileHandle folder, string name, bool writable) => NoteFile(folder, _real.OpenFile(folder, Before("OpenFile", name), writable), name, writable);

    public FileHandle? CreateFile(FileHandle folder, string name) => NoteFile(folder, _real.CreateFile(folder, Before("CreateFile", name)), name, writable: true);

    public int Read(FileHandle file, Span<byte> destination, long offset)
    {
        Before("Read", file);
        var count = _real.Read(file, destination, offset);
        return AfterRead?.Invoke(_names.GetValueOrDefault(file, ""), destination[..count]) ?? count;
    }

    public void Write(FileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        Before("Write", file);
        lock (_gate)
        {
            _written.GetValueOrDefault(file)?.Ranges.Add((offset, source.Length));
        }

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
        List<(long Offset, int Length)> covered;
        lock (_gate)
        {
            covered = [.. _written.GetValueOrDefault(file)?.Ranges ?? []];
        }

        try
        {
            Before("Sync", file);
        }
        catch (StorageException) when (!_isCrashed)
        {
            lock (_gate)
            {
                _written.GetValueOrDefault(file)?.Lose(_real, static _ => true);
            }

            throw;
        }

        _real.Sync(file);
        lock (_gate)
        {
            _written.GetValueOrDefault(file)?.Ranges.RemoveAll(covered.Contains);
        }
    }

    public void Close(FileHandle file)
    {
        try
        {
            Before("Close", file);
        }
        finally
        {
            _real.Close(file);
        }
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
        return FreeBytes ?? _real.GetFreeBytes(folder);
    }

    public bool TryLock(FileHandle file)
    {
        Before("TryLock", file);
        return _real.TryLock(file);
    }

    public bool TryClone(FileHandle source, FileHandle target)
    {
        Before("TryClone", target);
        if (!Clones)
        {
            return _real.TryClone(source, target);
        }

        var bytes = new byte[_real.Stat(source).Length];
        _real.Write(target, bytes.AsSpan(0, _real.Read(source, bytes, 0)), 0);
        return true;
    }

    public void DropCache(FileHandle file)
    {
        Before("DropCache", file);
        _real.DropCache(file);
    }

    public bool IsMemory(FileHandle folder) => _real.IsMemory(folder);

    public bool IsNetwork(FileHandle folder)
    {
        Before("IsNetwork", folder);
        return IsRemote || _real.IsNetwork(folder);
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

    private FileHandle? NoteFile(FileHandle folder, FileHandle? handle, string name, bool writable)
    {
        if (handle is not null && writable && KeepsUnsynced)
        {
            var stat = _real.Stat(handle);
            lock (_gate)
            {
                if (!_unsynced.TryGetValue((stat.Device, stat.Inode), out var file))
                {
                    file = new UnsyncedFile(_real.OpenFile(folder, name, writable: true)!);
                    _unsynced[(stat.Device, stat.Inode)] = file;
                }

                _written[handle] = file;
            }
        }

        return Note(handle, name);
    }

    private FileHandle? Note(FileHandle? handle, string name)
    {
        if (handle is not null)
        {
            _names[handle] = name;
        }

        return handle;
    }

    /// <summary>A file and what was written to it since its last flush, by any handle.</summary>
    private sealed class UnsyncedFile(FileHandle handle)
    {
        public List<(long Offset, int Length)> Ranges { get; } = [];

        public void Lose(IFileSystem files, Predicate<(long Offset, int Length)> which)
        {
            foreach (var (offset, length) in Ranges.Where(range => which(range)))
            {
                files.Write(handle, new byte[Math.Max(0, Math.Min(length, files.Stat(handle).Length - offset))], offset);
            }

            Ranges.Clear();
        }
    }
}
