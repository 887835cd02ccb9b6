using QbSync.Storage.IO;

namespace QbSync.Testing.FileSystems;

internal sealed partial class SimFileSystem
{
    public int Read(FileHandle file, Span<byte> destination, long offset)
    {
        var handle = Handle(file);
        Enter("Read", handle.Path);
        var limit = ShortRead?.Invoke(new SimCall("Read", handle.Path, false)) ?? destination.Length;
        lock (_gate)
        {
            Check_NeedsLock(handle.Node, isChange: false);
            var content = handle.Serial < handle.Node.StaleBefore ? handle.Node.Stale! : handle.Node.Content;
            return content.Read(destination[..Math.Min(limit, destination.Length)], offset);
        }
    }

    public void Write(FileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        var handle = Writable(file);
        Enter("Write", handle.Path, isChange: true);
        var bytes = source.ToArray();
        lock (_gate)
        {
            Check_NeedsLock(handle.Node, isChange: true);
            var node = handle.Node;
            var more = ((long)node.Content.Pages + node.Content.CountNewPages(offset, bytes.Length)) * SimContent.PageSize;
            if (Math.Max(more, node.Reserved) - node.Used > node.Device.Free)
            {
                throw SimErrors.Create(SimErrors.NoSpace, handle.Path);
            }

            if (bytes.Length > 0)
            {
                Apply_NeedsLock(new SimMutation(SimMutationKind.Write) { Node = node.Id, Offset = offset, Bytes = bytes, Time = Now_NeedsLock() });
            }
        }
    }

    public void SetLength(FileHandle file, long length)
    {
        var handle = Writable(file);
        Enter("SetLength", handle.Path, isChange: true);
        lock (_gate)
        {
            Check_NeedsLock(handle.Node, isChange: true);
            if (length != handle.Node.Content.Length)
            {
                Apply_NeedsLock(new SimMutation(SimMutationKind.Length) { Node = handle.Node.Id, Length = length, Time = Now_NeedsLock() });
            }
        }
    }

    public bool TryAllocate(FileHandle file, long length)
    {
        var handle = Writable(file);
        Enter("TryAllocate", handle.Path, isChange: true);
        lock (_gate)
        {
            Check_NeedsLock(handle.Node, isChange: true);
            if (!handle.Node.Device.CanReserve)
            {
                return false;
            }

            if (length - handle.Node.Used > handle.Node.Device.Free)
            {
                throw SimErrors.Create(SimErrors.NoSpace, handle.Path);
            }

            if (length > handle.Node.Reserved)
            {
                Apply_NeedsLock(new SimMutation(SimMutationKind.Length) { Node = handle.Node.Id, Length = length, Reserves = true, Time = Now_NeedsLock() });
            }

            return true;
        }
    }

    public void Sync(FileHandle file)
    {
        var handle = Handle(file);
        try
        {
            Enter("Sync", handle.Path);
            lock (_gate)
            {
                Check_NeedsLock(handle.Node, isChange: false);
                Apply_NeedsLock(new SimMutation(SimMutationKind.SyncFile) { Node = handle.Node.Id });
            }
        }
        catch (StorageException) when (!_isGone)
        {
            lock (_gate)
            {
                _disk.LoseUnflushed(handle.Node);
            }

            throw;
        }
    }

    public bool SyncFolder(FileHandle folder)
    {
        var handle = Handle(folder);
        Enter("SyncFolder", handle.Path);
        lock (_gate)
        {
            Check_NeedsLock(handle.Node, isChange: false);
            if (handle.Node.Device.CanSyncFolders)
            {
                Apply_NeedsLock(new SimMutation(SimMutationKind.SyncFolder) { Node = handle.Node.Id });
            }

            return handle.Node.Device.CanSyncFolders;
        }
    }

    public bool TryClone(FileHandle source, FileHandle target)
    {
        var (from, to) = (Handle(source), Writable(target));
        Enter("TryClone", to.Path, isChange: true);
        lock (_gate)
        {
            Check_NeedsLock(to.Node, isChange: true);
            if (from.Node.Device != to.Node.Device || !to.Node.Device.CanClone)
            {
                return false;
            }

            Apply_NeedsLock(new SimMutation(SimMutationKind.Write) { Node = to.Node.Id, Bytes = from.Node.Content.ToArray(), Time = Now_NeedsLock() });
            return true;
        }
    }

    public void Close(FileHandle file)
    {
        try
        {
            Enter("Close", ((SimFileHandle)file).Path);
        }
        finally
        {
            file.Dispose();
        }
    }

    public void DropCache(FileHandle file) => Enter("DropCache", Handle(file).Path);

    private SimFileHandle Writable(FileHandle file)
    {
        var handle = Handle(file);
        return handle.IsWritable ? handle : throw SimErrors.Create(9, handle.Path);
    }
}
