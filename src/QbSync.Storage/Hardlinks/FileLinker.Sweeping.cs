namespace QbSync.Storage.Hardlinks;

internal sealed partial class FileLinker
{
    /// <summary>Drops entries whose files are gone or changed. While the root is not the one that was opened, nothing is known of any.</summary>
    private void Sweep()
    {
        try
        {
            if (!_root.IsStillThere())
            {
                return;
            }
        }
        catch (StorageException)
        {
            return;
        }

        foreach (var (key, entry) in _registry.List().Concat(_passing.Select(static pair => (pair.Key, pair.Value))))
        {
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            if (!IsStillThere(entry))
            {
                Evict(key, entry);
            }
        }
    }

    private bool IsStillThere(LinkEntry entry)
    {
        try
        {
            using var folder = OpenFolderOf(entry);
            return folder is not null && _root.Files.Stat(folder, entry.Path[^1]) is { } stat && entry.Record.IsUnchanged(stat);
        }
        catch (StorageException exception)
        {
            return exception.Fault != StorageFault.PathRefused; // a link or a file on the way: nothing is there; else the disk has trouble, and tells nothing
        }
    }
}
