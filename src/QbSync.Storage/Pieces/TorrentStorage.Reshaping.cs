using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <summary>Whether the journal knows of something that stands for this file.</summary>
    public bool IsRecorded(int fileIndex) => _journal.State.Files.ContainsKey(fileIndex);

    /// <summary>
    /// Takes another place and another selection; the caller has reserved paths and room. Null: this object is done with, and <see cref="Reopen"/> gives the one
    /// that takes its place. Refused or thrown, it goes on as it was.
    /// </summary>
    public async Task<Refusal?> ReshapeAsync(StoreRequest next)
    {
        await CloseAsync().ConfigureAwait(false);
        var isDone = false;
        try
        {
            var refusal = await RunInTurnAsync(() => ReshapeInTurnAsync(next), CancellationToken.None).ConfigureAwait(false);
            isDone = refusal is null;
            return refusal;
        }
        finally
        {
            lock (_gate)
            {
                // With files under way between two places nothing may be written before the next attempt has ended that.
                _isClosed = isDone || _journal.State.Moving is not null;
                _writersGone = null;
            }
        }
    }

    /// <summary>The torrent as it is after <see cref="ReshapeAsync"/>.</summary>
    public TorrentStorage Reopen(StoreRequest next)
    {
        var storage = new TorrentStorage(_context, next with { Parameters = _journal.State.Parameters }, _folder, _journal, _logger);
        storage._boundary.TryLoad();
        return storage;
    }

    private async Task<Refusal?> ReshapeInTurnAsync(StoreRequest next)
    {
        if (_journal.State.Moving is { } begun && EndMove(Target(begun)) is { } stuck)
        {
            return stuck;
        }

        await FlushInTurnAsync().ConfigureAwait(false);
        if (IsElsewhere(next) && Move(next) is { } refusal)
        {
            return refusal;
        }

        await KeepSlicesAsync(next).ConfigureAwait(false);
        var dropped = CommitSelection(next);
        _isDiscarded = true; // what a late flush would say belongs to the selection before
        _isDisposed = true;
        AbandonFiles();
        DropFiles(dropped);
        return null;
    }

    private StoreRequest Target(MoveTarget target) => _request with
    {
        Place = target.Place,
        FileNames = [.. Layout.Manifest.Files.Select(file => target.GetName(file.Index))],
    };

    private bool IsElsewhere(StoreRequest next)
    {
        if (!next.Place.SubPath.SequenceEqual(_request.Place.SubPath, StringComparer.Ordinal) || next.Place.Root != _request.Place.Root
            || next.Place.Layout != _request.Place.Layout)
        {
            return true;
        }

        return Layout.Manifest.Files.Any(file => !next.FileNames[file.Index].SequenceEqual(_request.FileNames[file.Index], StringComparer.Ordinal));
    }

    /// <summary>Held pieces that stay selected need the bytes of files that do not: those go into the boundary file, flushed.</summary>
    private async Task KeepSlicesAsync(StoreRequest next)
    {
        var layout = new PieceLayout(next.Manifest, next.Selection);
        var isNeeded = false;
        foreach (var file in _files.Values)
        {
            if (next.Selection.IsSelected(file.Index) || file.Route == FileRoute.Park || file.Record is null)
            {
                continue;
            }

            var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
            using var content = count > 0 ? OpenToRead(file.Index) : null;
            for (var piece = first; piece < first + count && content is not null; piece++)
            {
                if (layout.IsSelected(piece) && GetPieceState(piece).IsHeld)
                {
                    KeepSlice(content, file.Index, piece);
                    isNeeded = true;
                }
            }
        }

        if (isNeeded && !await _boundary.SyncAsync().ConfigureAwait(false))
        {
            throw new StorageException(StorageFault.Io, $"The boundary file in '{_folder.Path}' could not be flushed.");
        }
    }

    private void KeepSlice(FileHandle content, int fileIndex, int piece)
    {
        var segments = new List<PieceSegment>();
        Layout.GetSegments(piece, segments);
        var segment = segments.Find(segment => segment.FileIndex == fileIndex);
        var buffer = new byte[Math.Min(segment.Length, ContentReader.SliceLength)];
        for (var done = 0; done < segment.Length; done += buffer.Length)
        {
            var slice = buffer.AsSpan(0, Math.Min(buffer.Length, segment.Length - done));
            _boundary.Write(piece, segment.PieceOffset + done, slice[.._context.Files.Read(content, slice, segment.FileOffset + done)]);
        }
    }

    /// <summary>
    /// One batch: the selection, its epoch, and what becomes of pieces and files. Partial files that are not wanted any more keep their record until they are
    /// removed, which a start repeats.
    /// </summary>
    private List<StoredFile> CommitSelection(StoreRequest next)
    {
        var layout = new PieceLayout(next.Manifest, next.Selection);
        var cleared = new PieceBitmap(_have.Length);
        var dropped = new List<StoredFile>();
        var batch = new RecordBatch();
        batch.AddRequest(next);
        batch.AddEpoch(Epoch + 1);
        if (!Phase.IsAtClient() || !next.Selection.Equals(_request.Selection))
        {
            batch.AddPhase(StoredPhase.Receiving, null);
        }

        foreach (var file in _files.Values)
        {
            if (next.Selection.IsSelected(file.Index) || file.Kind == OwnKind.Published)
            {
                continue;
            }

            var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
            for (var piece = first; piece < first + count; piece++)
            {
                // What was found in a file that is not read to its end is in no slot.
                _ = (!layout.IsSelected(piece) || (file.IsParked && file.Record is not null)) && cleared.Set(piece);
            }

            if (file.Kind is OwnKind.Adopted or OwnKind.Shared)
            {
                batch.AddFile(RecordType.FileState, file.Index, FileRecord.None);
            }
            else if (file.Record is not null)
            {
                dropped.Add(file);
            }
        }

        AddReturning(next, batch, cleared);
        batch.AddPieces(RecordType.PiecesCleared, cleared);
        _journal.Commit(batch, next);
        return dropped;
    }

    /// <summary>Files that were published, unselected, and are wanted again: they count if nobody changed them.</summary>
    private void AddReturning(StoreRequest next, RecordBatch batch, PieceBitmap cleared)
    {
        foreach (var (index, record) in _journal.State.Files)
        {
            if (!next.Selection.IsSelected(index) || _files.ContainsKey(index))
            {
                continue;
            }

            using var folder = OpenFolderOf(index);
            if (folder is not null && _context.Files.Stat(folder, GetFinalName(index)) is { } stat && record.IsUnchanged(stat))
            {
                continue;
            }

            batch.AddFile(RecordType.FileState, index, FileRecord.None);
            var (first, count) = Layout.GetPieces(Layout.Manifest.Files[index]);
            for (var piece = first; piece < first + count; piece++)
            {
                _ = !Layout.IsBoundary(piece) && cleared.Set(piece);
            }
        }
    }

    /// <summary>Removes what is not wanted any more. It is not selected already, so trouble here is left to the next start.</summary>
    private void DropFiles(List<StoredFile> dropped)
    {
        foreach (var file in dropped)
        {
            _context.Links.Release(Layout.Manifest.Id, file.Index);
        }

        try
        {
            DropRecorded();
            RemoveFolders();
        }
        catch (StorageException exception)
        {
            Log.NotDropped(_logger, Layout.Manifest.Id, exception.Message);
        }
    }

    /// <summary>Unselected files that the journal says are unfinished go, then their records do.</summary>
    private void DropRecorded()
    {
        var batch = new RecordBatch();
        foreach (var (index, record) in _journal.State.Files)
        {
            if (_journal.State.Selection!.IsSelected(index) || record.Kind is not (OwnKind.Partial or OwnKind.Linked))
            {
                continue;
            }

            var name = StoredFile.GetPartialName(Layout.Manifest.Id, index);
            using var folder = OpenFolderOf(index);
            if (folder is not null && IsInode(_context.Files.Stat(folder, name), record) && _context.Files.Unlink(folder, name))
            {
                SyncFolder(folder);
            }

            batch.AddFile(RecordType.FileState, index, FileRecord.None);
        }

        var state = _journal.State;
        _journal.Commit(batch, _request with { Selection = state.Selection!, Identities = state.Identities, FilesDigest = state.FilesDigest });
    }
}
