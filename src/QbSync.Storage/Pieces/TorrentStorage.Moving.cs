using QbSync.Outcomes;
using QbSync.Ports;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <summary>
    /// Moves what is ours to another folder or to other names. The record comes first and the disk decides by inode, so a crash at any step is gone on from; what
    /// cannot be moved sends everything back. In turn.
    /// </summary>
    /// <returns>Null when all of it is there; else why not, with everything where it was.</returns>
    private Refusal? Move(StoreRequest next)
    {
        if (FindImmovable(next) is { } fixedFile)
        {
            return new Refusal(RefusalReason.PathConflict, $"'{DescribeFile(fixedFile)}' was not made here, so the torrent stays where it is.");
        }

        RemoveExported();
        Commit(batch =>
        {
            AddMissingFolders(batch, next);
            batch.Begin(RecordType.Exporting); // a part file in the old folder was removed; another is made in the new one
            batch.AddMoving(next);
        });
        return EndMove(next);
    }

    /// <summary>Goes on with a move that the journal says was begun.</summary>
    private Refusal? EndMove(StoreRequest next)
    {
        var old = _request;
        Refusal? refusal;
        try
        {
            refusal = MoveFiles(old, next);
        }
        catch (StorageException exception) when (exception.Fault is StorageFault.PathRefused or StorageFault.PathConflict or StorageFault.NotUsable)
        {
            // A symbolic link, another file system or a folder that is not ours to write in: a person's business.
            refusal = new Refusal(
                exception.Fault == StorageFault.PathConflict ? RefusalReason.PathConflict : RefusalReason.PathRefused, exception.Message);
        }

        if (refusal is not null && MoveFiles(next, old) is { } stuck)
        {
            throw new StorageException(StorageFault.PathConflict, stuck.Detail);
        }

        Commit(batch => batch.AddMoved(refusal is null));
        if (refusal is null)
        {
            _request = _request with { Place = next.Place, FileNames = next.FileNames };
        }

        RemoveFolders();
        return refusal;
    }

    /// <summary>A file that stands for a selected one and is not ours to move, where it would have to be.</summary>
    private int? FindImmovable(StoreRequest next)
    {
        foreach (var (index, record) in _journal.State.Files)
        {
            if (record.Kind is OwnKind.Adopted or OwnKind.Shared && next.Selection.IsSelected(index)
                && ContentSurvey.GetPath(_request, index) != ContentSurvey.GetPath(next, index))
            {
                return index;
            }
        }

        return null;
    }

    /// <summary>Folders that the move will make, so that they are known to be ours whatever happens.</summary>
    private void AddMissingFolders(RecordBatch batch, StoreRequest next)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var index in _journal.State.Files.Keys)
        {
            var parts = GetFolderParts(next, index);
            for (var count = 1; count <= parts.Length; count++)
            {
                if (seen.Add(string.Join('/', parts[..count])))
                {
                    using var folder = _context.Root.OpenFolder(parts[..count]);
                    if (folder is null)
                    {
                        batch.AddFolder(parts[..count]);
                    }
                }
            }
        }
    }

    private Refusal? MoveFiles(StoreRequest from, StoreRequest to)
    {
        var touched = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var (index, record) in _journal.State.Files)
        {
            if (record.Kind is not (OwnKind.Partial or OwnKind.Linked or OwnKind.Published))
            {
                continue;
            }

            var hidden = StoredFile.GetPartialName(Layout.Manifest.Id, index);
            var isHidden = record.Kind != OwnKind.Published;
            var (fromParts, toParts) = (GetFolderParts(from, index), GetFolderParts(to, index));
            var (fromName, toName) = isHidden ? (hidden, hidden) : (from.FileNames[index][^1], to.FileNames[index][^1]);
            if (fromName == toName && fromParts.AsSpan().SequenceEqual(toParts))
            {
                continue;
            }

            touched[string.Join('/', fromParts)] = fromParts;
            touched[string.Join('/', toParts)] = toParts;
            if (!MoveFile(record, fromParts, fromName, toParts, toName))
            {
                return new Refusal(RefusalReason.PathConflict, $"Something that is not ours stands at '{_context.Root.Describe([.. toParts, toName])}'.");
            }
        }

        foreach (var parts in touched.Values)
        {
            using var folder = _context.Root.OpenFolder(parts);
            if (folder is not null)
            {
                SyncFolder(folder);
            }
        }

        return null;
    }

    /// <summary>Renames one file, unless that was done or it is not there; false when the new name is somebody else's.</summary>
    private bool MoveFile(FileRecord record, string[] fromParts, string fromName, string[] toParts, string toName)
    {
        using var fromFolder = _context.Root.OpenFolder(fromParts);
        var isThere = fromFolder is not null && IsInode(_context.Files.Stat(fromFolder, fromName), record);
        using (var known = _context.Root.OpenFolder(toParts))
        {
            if (known is not null && _context.Files.Stat(known, toName) is { } stat)
            {
                if (!IsInode(stat, record))
                {
                    return !isThere;
                }

                if (isThere)
                {
                    _context.Files.Unlink(fromFolder!, fromName); // renamed by link and unlink, and cut off in between
                }

                return true;
            }
        }

        if (!isThere)
        {
            return true; // gone: what looks at the files afterwards finds that out
        }

        using var toFolder = _context.Root.EnsureFolder(toParts);
        return _context.Files.RenameNew(fromFolder!, fromName, toFolder, toName);
    }

    private static string[] GetFolderParts(StoreRequest request, int fileIndex) => [.. request.Place.SubPath, .. request.FileNames[fileIndex].SkipLast(1)];
}
