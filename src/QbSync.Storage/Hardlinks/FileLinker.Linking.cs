using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Hardlinks;

internal sealed partial class FileLinker
{
    private FileRecord? TryLink(LinkKey key, LinkEntry entry, FileHandle folder, string hiddenName)
    {
        try
        {
            using var from = OpenFolderOf(entry);
            if (from is null || _root.Files.Stat(from, entry.Path[^1]) is not { } stat || !entry.Record.IsUnchanged(stat))
            {
                Evict(key, entry);
                Log.Stale(_logger, Describe(entry));
                return null;
            }

            if (stat.Device != _root.Files.Stat(folder).Device)
            {
                return null; // another file system below the same root; others may still link to it
            }

            return (_options.Current.Hardlinks ? Link(key, entry, from, folder, hiddenName) : null)
                ?? (_options.Current.Reflinks ? Clone(entry, from, folder, hiddenName) : null);
        }
        catch (StorageException exception)
        {
            Log.NotLinked(_logger, Describe(entry), exception.Message);
            return null;
        }
    }

    private FileRecord? Link(LinkKey key, LinkEntry entry, FileHandle from, FileHandle folder, string hiddenName)
    {
        var files = _root.Files;
        var isLinked = false;
        try
        {
            var isNew = files.Link(from, entry.Path[^1], folder, hiddenName);

            // The name was looked at before, and may stand for something else since: the new name says what was linked.
            if (files.Stat(folder, hiddenName) is not { } stat || !entry.Record.IsUnchanged(stat))
            {
                if (isNew)
                {
                    files.Unlink(folder, hiddenName);
                    Evict(key, entry);
                }

                _metrics.HardlinkFailed();
                return null;
            }

            if (isNew)
            {
                _metrics.HardlinkCreated();
            }

            isLinked = true;
            files.SyncFolder(folder);
            return FileRecord.Of(OwnKind.Linked, stat);
        }
        catch (StorageException exception)
        {
            // Without support for links, across file systems, with too many names, gone since the look: each is a file to be received.
            if (isLinked)
            {
                _metrics.FileSyncFailed();
            }
            else
            {
                _metrics.HardlinkFailed();
            }

            Evict(key, entry);
            Log.NotLinked(_logger, Describe(entry), exception.Message);
            return null;
        }
    }

    /// <summary>A file of its own that shares the other's blocks until it is written.</summary>
    private FileRecord? Clone(LinkEntry entry, FileHandle from, FileHandle folder, string hiddenName)
    {
        var files = _root.Files;
        using var source = files.OpenFile(from, entry.Path[^1], writable: false);
        if (source is null || !entry.Record.IsUnchanged(files.Stat(source)))
        {
            return null;
        }

        using var target = files.CreateFile(folder, hiddenName);
        if (target is null)
        {
            return null;
        }

        var (isCloned, isDone) = (false, false);
        try
        {
            if (!files.TryClone(source, target))
            {
                return null;
            }

            isCloned = true;
            files.Sync(target);
            files.SyncFolder(folder);
            isDone = true;
            return FileRecord.Of(OwnKind.Partial, files.Stat(target));
        }
        finally
        {
            if (isCloned && !isDone)
            {
                _metrics.FileSyncFailed();
            }

            if (!isDone)
            {
                files.Unlink(folder, hiddenName);
            }
        }
    }

    private FileHandle? OpenFolderOf(LinkEntry entry) => _root.OpenFolder([.. entry.Path.SkipLast(1)]);

    private string Describe(LinkEntry entry) => _root.Describe([.. entry.Path]);
}
