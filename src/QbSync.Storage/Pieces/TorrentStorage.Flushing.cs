using QbSync.Pieces;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private readonly PieceBitmap _dirty;
    private readonly PieceBitmap _durable;
    private readonly PieceBitmap _pendingClears;
    private readonly List<IReadOnlyList<string>> _newFolders = [];
    private readonly HashSet<int> _lostFiles = [];
    private HashSet<StoredFile> _newFiles = [];
    private HashSet<CachedFile> _touched = [];
    private PieceBitmap? _clearedInFlush;
    private long _dirtyBytes;
    private int _lostInFlush;

    /// <summary>Whether memory knows more than the journal. Read without the lock: a scrape may be a moment late.</summary>
    public bool IsDirty => _dirty.Count > 0 || _pendingClears.Count > 0 || _pendingDoubts.Count > 0 || _journal.IsFailing;

    /// <summary>
    /// A file stands under the hidden name: the one that is known, or one that was made now. False when it is another one. What was opened before the file was
    /// given up is not taken, since its opener opens it anew.
    /// </summary>
    public bool TakeCreated(StoredFile file, in FileStat stat, int generation)
    {
        lock (_gate)
        {
            if (file.Generation != generation)
            {
                return true;
            }

            if (file.Record is { } record)
            {
                return record.IsInode(stat);
            }

            file.Record = FileRecord.Of(OwnKind.Partial, stat);
            NoteCreated_NeedsLock(file);
            return true;
        }
    }

    /// <summary>Whether blocks of a partial file are reserved, or come with its bytes.</summary>
    public bool IsAllocated(StoredFile file)
    {
        lock (_gate)
        {
            return file.IsAllocated;
        }
    }

    /// <summary>Blocks of a partial file are reserved; or it is sparse, and takes them as it is written. Several openers tell so, and it counts once.</summary>
    public void NoteAllocated(StoredFile file, bool isSparse, int generation)
    {
        lock (_gate)
        {
            if (file.IsAllocated || file.Generation != generation)
            {
                return;
            }

            (file.IsAllocated, file.IsSparse) = (true, isSparse);
            if (isSparse)
            {
                file.Unwritten = file.Length;
            }
            else
            {
                Interlocked.Add(ref _unallocated, -file.Length);
            }
        }
    }

    /// <summary>A partial file was made; it is journaled with the next flush, unless slices that belong into it are still being moved there.</summary>
    private void NoteCreated_NeedsLock(StoredFile file)
    {
        if (!file.IsParked)
        {
            _newFiles.Add(file);
        }
    }

    /// <summary>What is known of a file is over; its handle, to be disposed outside the lock, and whether anything was known.</summary>
    private (bool WasKnown, FileHandle? Handle) Drop_NeedsLock(StoredFile file)
    {
        var handle = file.GiveUp();
        if (file.Record is null)
        {
            return (false, handle);
        }

        file.Record = null;
        if (file.IsAllocated)
        {
            Interlocked.Add(ref _unallocated, file.Length - file.Unwritten);
            (file.IsAllocated, file.Unwritten) = (false, 0);
        }

        return (true, handle);
    }

    /// <summary>Bytes of a sparse file were written.</summary>
    private void NoteWritten_NeedsLock(StoredFile file, int length)
    {
        var taken = Math.Min(length, file.Unwritten);
        if (taken > 0)
        {
            file.Unwritten -= taken;
            Interlocked.Add(ref _unallocated, -taken);
        }
    }

    /// <summary>A file that somebody removed, replaced or cut while its handle was open takes writes that lead nowhere: its pieces never count.</summary>
    private void LookAtPartials(HashSet<CachedFile> files)
    {
        foreach (var file in files)
        {
            var generation = file.Generation;
            if (file is not StoredFile { Record: { Kind: OwnKind.Partial } record, IsParked: false } stored)
            {
                continue;
            }

            using var folder = OpenFolderOf(stored.Index);
            if (folder is null || _context.Files.Stat(folder, stored.PartialName) is not { } stat || !record.IsInode(stat) || stat.Length != stored.Length)
            {
                LoseFile(stored, generation);
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask<int> FlushAsync(CancellationToken cancellationToken) =>
        _isClosed ? 0 : await RunInTurnAsync(FlushInTurnAsync, cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// The order that makes bits honest: bytes written before now, then the bytes' files, then new folder entries, then the bits. Pieces whose files could not be
    /// flushed are lost before any bit of them is written.
    /// </summary>
    private async Task<int> FlushInTurnAsync()
    {
        PieceBitmap pieces;
        HashSet<CachedFile> files;
        HashSet<StoredFile> created;
        long bytes;
        if (!_isDiscarded)
        {
            _journal.Repair(_request);
        }

        lock (_gate)
        {
            if (_isDiscarded || (_dirty.Count == 0 && _pendingClears.Count == 0 && _pendingDoubts.Count == 0 && _newFiles.Count == 0 && _newFolders.Count == 0 && _lostFiles.Count == 0))
            {
                return 0;
            }

            pieces = _dirty.Clone();
            _clearedInFlush = new PieceBitmap(_have.Length);
            (files, _touched) = (_touched, []);
            (created, _newFiles) = (_newFiles, []);
            bytes = _dirtyBytes;
            _lostInFlush = 0;
        }

        var started = _context.Time.GetTimestamp();
        var isDone = false;
        try
        {
            await SyncFilesAsync(files).ConfigureAwait(false);
            SyncFolders(created);
            LookAtPartials(files);
            CommitPieces(pieces, created);
            isDone = true;
            _context.Links.Progressed(Layout.Manifest.Id);
        }
        finally
        {
            EndFlush(isDone, pieces, files, created, bytes);
        }

        _context.Metrics.StateFlushed(_context.Time.GetElapsedTime(started));
        return _lostInFlush;
    }

    private async Task SyncFilesAsync(HashSet<CachedFile> files)
    {
        var running = new List<Task>(files.Count);
        foreach (var file in files)
        {
            await _context.SyncTurns.WaitAsync().ConfigureAwait(false);
            running.Add(Task.Run(async () =>
            {
                try
                {
                    await file.SyncAsync().ConfigureAwait(false);
                }
                finally
                {
                    _context.SyncTurns.Release();
                }
            }));
        }

        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private void SyncFolders(HashSet<StoredFile> created)
    {
        foreach (var group in created.GroupBy(file => string.Join('/', GetFolderParts(file.Index)), StringComparer.Ordinal))
        {
            try
            {
                using var folder = OpenFolderOf(group.First().Index);
                if (folder is not null && !_context.Files.SyncFolder(folder))
                {
                    Log.FolderNotSynced(_logger, _context.Root.Path);
                }
            }
            catch (StorageException exception)
            {
                _context.NoteSyncFailed(exception);
                foreach (var file in group)
                {
                    LoseUnflushed(file, exception);
                }
            }
        }
    }

    private void CommitPieces(PieceBitmap pieces, HashSet<StoredFile> created)
    {
        var batch = new RecordBatch();
        PieceBitmap clears;
        PieceBitmap doubts;
        IReadOnlyList<string>[] folders;
        int[] lost;
        lock (_gate)
        {
            pieces.Except(_clearedInFlush!);
            _clearedInFlush = new PieceBitmap(_have.Length);
            clears = _pendingClears.Clone();
            doubts = _pendingDoubts.Clone();
            doubts.Except(clears);
            _pendingDoubts.Except(_pendingDoubts);
            folders = [.. _newFolders];
            lost = [.. _lostFiles];
            _pendingClears.Except(clears);
            _newFolders.Clear();
            _lostFiles.Clear();
        }

        foreach (var folder in folders)
        {
            batch.AddFolder(folder);
        }

        foreach (var index in lost)
        {
            batch.AddFile(RecordType.FileState, index, FileRecord.None);
        }

        foreach (var file in created)
        {
            if (file.Record is { } record)
            {
                batch.AddFile(RecordType.FileState, file.Index, record);
            }
        }

        batch.AddPieces(RecordType.PiecesCleared, doubts); // held they stay, verified they are not
        batch.AddPieces(RecordType.PiecesHeld, doubts);
        batch.AddPieces(RecordType.PiecesCleared, clears);
        batch.AddPieces(RecordType.PiecesHeld, pieces);
        try
        {
            _journal.Commit(batch, _request);
        }
        catch (StorageException)
        {
            lock (_gate)
            {
                _pendingClears.Or(clears);
                _pendingDoubts.Or(doubts);
                _newFolders.InsertRange(0, folders);
                _lostFiles.UnionWith(lost);
            }

            throw;
        }

        lock (_gate)
        {
            _durable.Except(clears);
            _durable.Or(pieces);
        }
    }

    private void EndFlush(bool isDone, PieceBitmap pieces, HashSet<CachedFile> files, HashSet<StoredFile> created, long bytes)
    {
        lock (_gate)
        {
            // A piece that was lost while the journal took its bit, and came again since, is dirty anew: its bytes are.
            pieces.Except(_clearedInFlush!);
            _clearedInFlush = null;
            if (isDone)
            {
                _dirty.Except(pieces);
                _dirtyBytes = Math.Max(0, _dirtyBytes - bytes);
                return;
            }

            _touched.UnionWith(files);
            _newFiles.UnionWith(created);
        }
    }
}
