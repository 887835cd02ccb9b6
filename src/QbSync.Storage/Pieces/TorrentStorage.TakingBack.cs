using QbSync.Pieces;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private readonly PieceBitmap _pendingDoubts;

    /// <summary>
    /// Another torrent found this inode to be not what it should be. Files of ours that are the same inode are read back before they count again; who looks
    /// at them next does so.
    /// </summary>
    public void Doubt(ulong inode)
    {
        lock (_gate)
        {
            foreach (var file in _files.Values)
            {
                if ((file.Record ?? file.Local?.Record) is { } record && record.Inode == inode)
                {
                    var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
                    for (var piece = first; piece < first + count; piece++)
                    {
                        // Where it is read just now, the journal may be about to say that it was read back.
                        NoteChanged_NeedsLock(piece);
                        _ = (_verified.Clear(piece) || _readings.Count > 0) && _durable[piece] && _pendingDoubts.Set(piece);
                    }
                }
            }
        }
    }

    /// <summary>Files that bad pieces lie in, and may have made them bad: those of ours, or, where there are none of ours, those of others.</summary>
    private HashSet<StoredFile> FindSuspects(PieceBitmap bad)
    {
        var suspects = new HashSet<StoredFile>();
        var segments = new List<PieceSegment>();
        for (var piece = bad.NextSet(0); piece >= 0; piece = NextSet(bad, piece))
        {
            Layout.GetSegments(piece, segments);
            var hasOwn = segments.Exists(segment => !segment.IsPad && !IsForeign(segment.FileIndex));
            foreach (var segment in segments)
            {
                if (!segment.IsPad && _files.TryGetValue(segment.FileIndex, out var file) && (!hasOwn || !IsForeign(segment.FileIndex)))
                {
                    suspects.Add(file);
                }
            }
        }

        return suspects;
    }

    private bool IsForeign(int fileIndex) => _files.TryGetValue(fileIndex, out var file) && file.Kind is OwnKind.Adopted or OwnKind.Shared;

    private static void AddTakingBack(RecordBatch batch, IEnumerable<StoredFile> files)
    {
        foreach (var file in files)
        {
            if (file.Kind == OwnKind.Published)
            {
                batch.AddUnpublishing(file.Index);
            }
        }
    }

    /// <summary>
    /// Makes files writable whose pieces were found bad; the journal says so already. Files of others are never changed: settling names them. The bits go last,
    /// so that nobody sends a piece before there is a file to write it to.
    /// </summary>
    private void TakeBackAll(IEnumerable<StoredFile> suspects, PieceBitmap bad)
    {
        foreach (var file in suspects)
        {
            switch (file.Kind)
            {
                case OwnKind.Published:
                    TakeBack(file);
                    break;
                case OwnKind.Linked when file.Local is null:
                    ReplaceLink(file);
                    break;
                case OwnKind.Adopted or OwnKind.Shared:
                    NoteChangedFile(file.Index);
                    break;
            }
        }

        ClearPieces(bad);
        ForgetClears(bad);
    }

    /// <summary>
    /// Gives a published file its hidden name back, durably, so that it can be written to again. With other names besides it is copied first: what they stand for
    /// stays as it is. The journal says already that this is under way; a crash in between repeats it.
    /// </summary>
    private void TakeBack(StoredFile file)
    {
        var files = _context.Files;
        var record = file.Record!;
        using var folder = OpenFolderOf(file.Index);
        var name = GetFinalName(file.Index);
        if (folder is null || !MoveBack(folder, name, file.PartialName, record))
        {
            LoseFile(file);
            Commit(batch => batch.AddFile(RecordType.FileState, file.Index, FileRecord.None));
            return;
        }

        SyncFolder(folder);
        var stat = files.Stat(folder, file.PartialName) ?? throw new StorageException(StorageFault.Io, $"'{file.PartialName}' was removed just now.");
        if (stat.Links == 1 && stat.Length != file.Length)
        {
            using var writable = files.OpenFile(folder, file.PartialName, writable: true)!;
            files.SetLength(writable, file.Length);
            files.Sync(writable);
            stat = files.Stat(writable);
        }

        var kind = stat.Links > 1 ? OwnKind.Linked : OwnKind.Partial;
        lock (_gate)
        {
            file.Replace(FileRecord.Of(kind, stat));
        }

        Commit(batch => batch.AddFile(RecordType.FileState, file.Index, file.Record!));
        _context.Links.EvictFile(record.Inode);
        Log.FileTakenBack(_logger, _request.Manifest.Id, DescribeFile(file.Index));
        if (kind == OwnKind.Linked)
        {
            ReplaceLink(file);
        }
    }

    /// <summary>Moves a file of ours from its final name to its hidden one; false when it has neither. Its final name is not taken from anybody else's file.</summary>
    private bool MoveBack(FileHandle folder, string name, string hiddenName, FileRecord record)
    {
        var files = _context.Files;
        var final = files.Stat(folder, name);
        var hidden = files.Stat(folder, hiddenName);
        if (!IsInode(final, record))
        {
            return IsInode(hidden, record);
        }

        if (IsInode(hidden, record))
        {
            files.Unlink(folder, name); // renamed by link and unlink, and cut off in between
            return true;
        }

        if (hidden is { Kind: FileKind.File })
        {
            files.Unlink(folder, hiddenName); // the name is reserved to us: what an earlier attempt at this torrent left
        }

        return files.RenameNew(folder, name, folder, hiddenName)
            ? true
            : throw new StorageException(StorageFault.PathConflict, $"'{hiddenName}' is in the way of taking back '{name}'.");
    }

    /// <summary>A published file of ours differs from a piece that is right: it is written to again.</summary>
    private int TakeBackChanged(StoredFile file)
    {
        if (file.Kind == OwnKind.Published)
        {
            Commit(batch => batch.AddUnpublishing(file.Index));
            TakeBack(file);
        }

        return 0;
    }

    /// <summary>After a start: goes on where taking back was cut off.</summary>
    private void RecoverTakenBack()
    {
        foreach (var index in _journal.State.Unpublishing.ToArray())
        {
            if (_files.TryGetValue(index, out var file) && file.Kind == OwnKind.Published)
            {
                TakeBack(file);
            }
        }
    }
}
