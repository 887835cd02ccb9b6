using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <summary>
    /// Makes the state true to the disk after a start: an interrupted renaming is finished by inode; a file that is gone or another one loses its bits.
    /// Complete torrents are not looked at. Called once, before anything else.
    /// </summary>
    /// <returns>Whether the session was being removed and is gone now.</returns>
    public bool Recover(bool isNewIncarnation)
    {
        if (_journal.State.IsDeleting)
        {
            _isClosed = true;
            DiscardInTurn(keepFiles: false); // the record says whether they go
            return true;
        }

        RecoverTakenBack();
        var batch = new RecordBatch();
        if (isNewIncarnation)
        {
            batch.AddEpoch(Epoch + 1);
        }

        if (_journal.State.Moving is { } target)
        {
            EndMove(Target(target));
        }

        if (!Phase.IsComplete())
        {
            DropRecorded();
            RecoverBoundary();
            foreach (var file in _files.Values)
            {
                RecoverFile(file, batch);
            }
        }

        batch.AddPieces(RecordType.PiecesCleared, _pendingClears);
        _durable.Except(_pendingClears);
        _pendingClears.Except(_pendingClears);
        _lostFiles.Clear();
        _losses = 0;
        _journal.Commit(batch, _request);
        return false;
    }

    private void RecoverBoundary()
    {
        if (!_boundary.TryLoad())
        {
            using var folder = _folder.Open();
            _context.Files.Unlink(folder, SessionFolder.BoundaryName);
        }

        if (Layout.HasBoundaryPieces)
        {
            LoseUnslotted(0, _have.Length, Layout.IsBoundary);
        }
    }

    /// <summary>Held pieces with slices that can be in the boundary file only, and are not, are needed again.</summary>
    private void LoseUnslotted(int first, int count, Predicate<int> isSliced)
    {
        lock (_gate)
        {
            for (var piece = first; piece < first + count; piece++)
            {
                if (_have[piece] && isSliced(piece) && _boundary.GetOffset(piece) is null)
                {
                    Clear_NeedsLock(piece);
                }
            }
        }
    }

    private void RecoverFile(StoredFile file, RecordBatch batch)
    {
        if (file.Record is not { } record)
        {
            var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
            LoseUnslotted(first, count, static _ => true);
            return;
        }

        using var folder = OpenFolderOf(file.Index);
        var partial = folder is null ? null : _context.Files.Stat(folder, file.PartialName);
        var final = folder is null ? null : _context.Files.Stat(folder, GetFinalName(file.Index));
        if (record.Kind is OwnKind.Partial or OwnKind.Linked && IsInode(final, record))
        {
            FinishPublishing(folder!, file, IsInode(partial, record));
            Keep(file, FileRecord.Of(OwnKind.Published, final!.Value), RecordType.Published, batch);
        }
        else if (record.Kind == OwnKind.Partial && IsInode(partial, record) && partial!.Value.Length == file.Length)
        {
            // With another name besides, it is not ours alone any more and is only read.
            var kind = partial.Value.Links > 1 ? OwnKind.Linked : OwnKind.Partial;
            Keep(file, record with { Kind = kind, Device = partial.Value.Device }, RecordType.FileState, batch);
        }
        else if (record.Kind == OwnKind.Linked && IsInode(partial, record) && partial!.Value.Length == file.Length)
        {
            Keep(file, record with { Device = partial.Value.Device }, RecordType.FileState, batch);
        }
        else if (record.Kind is OwnKind.Published or OwnKind.Adopted or OwnKind.Shared
            && (final ?? FindRenamedByClient(folder, file)) is { } stat && record.IsUnchanged(stat))
        {
            Keep(file, record with { Device = stat.Device }, RecordType.FileState, batch);
        }
        else
        {
            LoseFile(file);
            batch.AddFile(RecordType.FileState, file.Index, FileRecord.None);
        }
    }

    private void FinishPublishing(FileHandle folder, StoredFile file, bool hasPartial)
    {
        if (hasPartial)
        {
            _context.Files.Unlink(folder, file.PartialName);
        }

        SyncFolder(folder);
    }

    private void Keep(StoredFile file, FileRecord record, RecordType type, RecordBatch batch)
    {
        if (record != file.Record)
        {
            batch.AddFile(type, file.Index, record);
            if (type == RecordType.FileState && _journal.State.Unsettled.Contains(file.Index))
            {
                batch.Begin(RecordType.Unsettled).Add(file.Index);
            }

            file.Record = record;
        }
    }

    /// <summary>The device's number may differ after a mount; the inode of a name that is ours does not.</summary>
    private static bool IsInode(FileStat? stat, FileRecord record) => stat is { Kind: FileKind.File } found && found.Inode == record.Inode;
}
