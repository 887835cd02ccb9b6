using QbSync.Outcomes;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <inheritdoc />
    public bool IsPublished(int fileIndex) => _files.TryGetValue(fileIndex, out var file)
        && (file.Kind == OwnKind.Published || (file.Kind is OwnKind.Adopted or OwnKind.Shared && IsReadBack(fileIndex)));

    /// <inheritdoc />
    public async ValueTask<Refusal?> PublishFilesAsync(IReadOnlyList<int> fileIndices, CancellationToken cancellationToken)
    {
        Refusal? refusal = null;
        foreach (var fileIndex in fileIndices)
        {
            GetSelected(fileIndex);
            refusal ??= await RunInTurnAsync(() => PublishInTurnAsync(_files[fileIndex]), cancellationToken).ConfigureAwait(false);
        }

        return refusal;
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<int>> CheckPublishedAsync(CancellationToken cancellationToken) =>
        await RunInTurnAsync(
            () =>
            {
                IReadOnlyList<int> changed = [.. _files.Values.Where(file => !IsUnchanged(file)).Select(file => file.Index).Order()];
                return Task.FromResult(changed);
            },
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<int> ReexamineFilesAsync(IReadOnlyCollection<int> fileIndices, IProgress<long>? bytesRead, CancellationToken cancellationToken) =>
        await RunInTurnAsync(
            () =>
            {
                var batch = new RecordBatch();
                foreach (var index in fileIndices)
                {
                    Forget(_files[index], batch);
                }

                batch.AddEpoch(Epoch + 1);
                _journal.Commit(batch, _request);
                return Task.FromResult(0);
            },
            cancellationToken).ConfigureAwait(false);

    private void Forget(StoredFile file, RecordBatch batch)
    {
        if (file.Forget())
        {
            Interlocked.Add(ref _unallocated, file.Length);
        }

        batch.AddFile(RecordType.FileState, file.Index, FileRecord.None);
        lock (_gate)
        {
            _newFiles.Remove(file);
            var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
            for (var piece = first; piece < first + count; piece++)
            {
                if (_claims.Remove(piece, out var claim))
                {
                    claim.Forced = PieceAckStatus.StaleEpoch;
                }

                if (_have[piece])
                {
                    Clear_NeedsLock(piece);
                }
            }

            batch.AddPieces(RecordType.PiecesCleared, _pendingClears);
            _durable.Except(_pendingClears);
            _pendingClears.Except(_pendingClears);
        }
    }

    private async Task<Refusal?> PublishInTurnAsync(StoredFile file)
    {
        if (file.Kind is OwnKind.Published or OwnKind.Adopted or OwnKind.Shared)
        {
            return null;
        }

        if (file.Length == 0)
        {
            return PublishEmpty(file);
        }

        if (!IsReadBack(file.Index))
        {
            throw new StorageException(StorageFault.Io, $"'{DescribeFile(file.Index)}' gets its name only after all of it was read back.");
        }

        await FlushInTurnAsync().ConfigureAwait(false);
        using var folder = OpenFolderOf(file.Index);
        if (folder is null || file.Record is not { } record)
        {
            LoseFile(file);
            throw new StorageException(StorageFault.Io, $"The partial file of '{DescribeFile(file.Index)}' vanished.");
        }

        return Rename(file, record, folder);
    }

    private Refusal? Rename(StoredFile file, FileRecord record, FileHandle folder)
    {
        var name = GetFinalName(file.Index);
        var partial = _context.Files.Stat(folder, file.PartialName);
        var final = _context.Files.Stat(folder, name);
        if (final is null)
        {
            if (partial is null || !record.IsInode(partial.Value))
            {
                LoseFile(file);
                throw new StorageException(StorageFault.Io, $"The partial file of '{DescribeFile(file.Index)}' vanished or was replaced.");
            }

            Commit(batch => batch.AddPublishing(file.Index));
            file.Abandon();
            if (!_context.Files.RenameNew(folder, file.PartialName, folder, name))
            {
                return Conflict(file);
            }
        }
        else if (!record.IsInode(final.Value))
        {
            return Conflict(file);
        }
        else if (partial is not null && record.IsInode(partial.Value))
        {
            _context.Files.Unlink(folder, file.PartialName); // renamed by link and unlink, and cut off in between
        }

        SyncFolder(folder);
        Seal(file, _context.Files.Stat(folder, name));
        return null;
    }

    private Refusal? PublishEmpty(StoredFile file)
    {
        var name = GetFinalName(file.Index);
        using var folder = EnsureFolderOf(file);
        using var created = _context.Files.CreateFile(folder, name);
        var stat = _context.Files.Stat(folder, name);
        if (created is null && stat is not { Kind: FileKind.File, Length: 0 })
        {
            return Conflict(file);
        }

        if (created is not null)
        {
            _context.Files.Sync(created);
        }

        SyncFolder(folder);
        Seal(file, stat, created is null ? OwnKind.Adopted : OwnKind.Published);
        return null;
    }

    /// <summary>The file has its final name, durably: says so in the journal.</summary>
    private void Seal(StoredFile file, FileStat? stat, OwnKind kind = OwnKind.Published)
    {
        var record = FileRecord.Of(kind, stat ?? throw new StorageException(StorageFault.Io, $"'{DescribeFile(file.Index)}' was removed just now."));
        Commit(batch => batch.AddFile(RecordType.Published, file.Index, record));
        file.Record = record;
        OfferLink(file);
        _context.Paths.Published(ContentSurvey.GetPath(_request, file.Index));
        Log.FilePublished(_logger, _request.Manifest.Id, DescribeFile(file.Index));
    }

    private Refusal Conflict(StoredFile file)
    {
        var refusal = new Refusal(RefusalReason.PathConflict, $"Something that is not ours stands at '{DescribeFile(file.Index)}'.");
        Log.PublishRefused(_logger, _request.Manifest.Id, DescribeFile(file.Index), refusal.Detail);
        return refusal;
    }

    private void Commit(Action<RecordBatch> build)
    {
        var batch = new RecordBatch();
        build(batch);
        _journal.Commit(batch, _request);
    }

    private void SyncFolder(FileHandle folder)
    {
        try
        {
            _context.Files.SyncFolder(folder);
        }
        catch (StorageException)
        {
            _context.Metrics.FileSyncFailed();
            throw;
        }
    }

    private bool IsReadBack(int fileIndex)
    {
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[fileIndex]);
        lock (_gate)
        {
            for (var piece = first; piece < first + count; piece++)
            {
                if (!_have[piece] || !_verified[piece])
                {
                    return false;
                }
            }
        }

        return true;
    }

    private bool IsUnchanged(StoredFile file)
    {
        if (file.Record is not { Kind: OwnKind.Published or OwnKind.Adopted or OwnKind.Shared } record)
        {
            return false;
        }

        using var folder = OpenFolderOf(file.Index);
        return folder is not null && _context.Files.Stat(folder, GetFinalName(file.Index)) is { } stat && record.IsUnchanged(stat);
    }
}
