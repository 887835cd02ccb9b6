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
            DiscardInTurn();
            return true;
        }

        var batch = new RecordBatch();
        if (isNewIncarnation)
        {
            batch.AddEpoch(Epoch + 1);
        }

        if (!Phase.IsComplete())
        {
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
        if (_boundary?.TryLoad() == false)
        {
            using var folder = _folder.Open();
            _context.Files.Unlink(folder, SessionFolder.BoundaryName);
            Lose(null, dirtyOnly: false, Outcomes.PieceAckStatus.FileLost);
        }
    }

    private void RecoverFile(StoredFile file, RecordBatch batch)
    {
        if (file.Record is not { } record)
        {
            Lose(file, dirtyOnly: false, Outcomes.PieceAckStatus.FileLost);
            return;
        }

        using var folder = OpenFolderOf(file.Index);
        var partial = folder is null ? null : _context.Files.Stat(folder, file.PartialName);
        var final = folder is null ? null : _context.Files.Stat(folder, GetFinalName(file.Index));
        if (record.Kind == OwnKind.Partial && IsInode(final, record))
        {
            FinishPublishing(folder!, file, IsInode(partial, record));
            Keep(file, FileRecord.Of(OwnKind.Published, final!.Value), RecordType.Published, batch);
        }
        else if (record.Kind == OwnKind.Partial && IsInode(partial, record) && partial!.Value.Length == file.Length)
        {
            Keep(file, record with { Device = partial.Value.Device }, RecordType.FileState, batch);
        }
        else if (record.Kind is OwnKind.Published or OwnKind.Adopted && final is { } stat && record.IsUnchanged(stat))
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

        _context.Files.SyncFolder(folder);
    }

    private static void Keep(StoredFile file, FileRecord record, RecordType type, RecordBatch batch)
    {
        if (record != file.Record)
        {
            batch.AddFile(type, file.Index, record);
            file.Record = record;
        }
    }

    /// <summary>The device's number may differ after a mount; the inode of a name that is ours does not.</summary>
    private static bool IsInode(FileStat? stat, FileRecord record) => stat is { Kind: FileKind.File } found && found.Inode == record.Inode;
}
