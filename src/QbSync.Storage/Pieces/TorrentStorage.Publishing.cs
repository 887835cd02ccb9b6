using System.Runtime.ExceptionServices;
using QbSync.Outcomes;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <inheritdoc />
    public bool IsPublished(int fileIndex) => _files.TryGetValue(fileIndex, out var file)
        && file.Kind is OwnKind.Published or OwnKind.Adopted or OwnKind.Shared && IsReadBack(fileIndex);

    /// <inheritdoc />
    public async ValueTask<Refusal?> PublishFilesAsync(IReadOnlyList<int> fileIndices, CancellationToken cancellationToken)
    {
        var files = new List<StoredFile>(fileIndices.Count);
        foreach (var index in fileIndices)
        {
            GetSelected(index);
            if (_files[index] is { Kind: OwnKind.None or OwnKind.Partial or OwnKind.Linked } file)
            {
                files.Add(file);
            }
        }

        return files.Count == 0 ? null : await RunInTurnAsync(() => PublishInTurnAsync(files), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<int>> CheckPublishedAsync(CancellationToken cancellationToken) =>
        await RunInTurnAsync(
            () =>
            {
                IReadOnlyList<int> changed =
                    [.. _files.Values.Where(file => !(IsUnchanged(file) || IsRenamedByClient(file)) || !IsReadBack(file.Index)).Select(file => file.Index).Order()];
                return Task.FromResult(changed);
            },
            cancellationToken).ConfigureAwait(false);

    /// <summary>One commit that says which names may come, the renames, each folder once, one commit that says which came. What cannot be published stays out.</summary>
    private async Task<Refusal?> PublishInTurnAsync(List<StoredFile> files)
    {
        await FlushInTurnAsync().ConfigureAwait(false);
        var run = new PublishRun();
        var ready = new List<StoredFile>(files.Count);
        foreach (var file in files)
        {
            if (file.Local is { Kind: LocalKind.Conflict })
            {
                run.Refuse(Conflict(file));
            }
            else if (file.Local is not null || !IsReadBack(file.Index))
            {
                run.Failed(new StorageException(StorageFault.Io, $"'{DescribeFile(file.Index)}' gets its name only after all of it was read back."));
            }
            else
            {
                ready.Add(file);
            }
        }

        Commit(batch =>
        {
            foreach (var file in ready)
            {
                if (file.Length > 0 && !_journal.State.Publishing.Contains(file.Index))
                {
                    batch.AddPublishing(file.Index);
                }
            }
        });
        foreach (var group in ready.GroupBy(file => string.Join('/', GetFolderParts(file.Index)), StringComparer.Ordinal))
        {
            PublishFolder([.. group], run);
        }

        Commit(batch =>
        {
            foreach (var (file, record) in run.Published)
            {
                batch.AddFile(RecordType.Published, file.Index, record);
                AddReadBack(batch, file.Index);
            }
        });
        foreach (var (file, record) in run.Published)
        {
            file.Record = record;
            OfferLink(file);
            _context.Paths.Published(ContentSurvey.GetPath(_request, file.Index));
            Log.FilePublished(_logger, _request.Manifest.Id, DescribeFile(file.Index));
        }

        if (run.Refusal is null && run.Failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return run.Refusal;
    }

    private void PublishFolder(List<StoredFile> group, PublishRun run)
    {
        var renamed = new List<(StoredFile File, OwnKind Kind)>(group.Count);
        try
        {
            using var folder = group.Exists(static file => file.Length == 0) ? EnsureFolderOf(group[0]) : OpenFolderOf(group[0].Index);
            foreach (var file in group)
            {
                try
                {
                    if ((file.Length == 0 ? MakeEmpty(file, folder!) : Rename(file, folder)) is { } kind)
                    {
                        renamed.Add((file, kind));
                    }
                    else
                    {
                        run.Refuse(Conflict(file));
                    }
                }
                catch (StorageException exception)
                {
                    run.Failed(exception);
                }
            }

            if (renamed.Count == 0)
            {
                return;
            }

            SyncFolder(folder!);
            foreach (var (file, kind) in renamed)
            {
                if (_context.Files.Stat(folder!, GetFinalName(file.Index)) is { } stat && (file.Length == 0 || file.Record?.IsInode(stat) == true))
                {
                    run.Published.Add((file, FileRecord.Of(kind, stat)));
                }
                else
                {
                    run.Failed(new StorageException(StorageFault.Io, $"'{DescribeFile(file.Index)}' was removed just now."));
                }
            }
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.PathRefused)
        {
            run.Refuse(new Refusal(RefusalReason.PathRefused, exception.Message));
        }
        catch (StorageException exception)
        {
            run.Failed(exception);
        }
    }

    /// <summary>Gives a file its final name; null when something that is not ours has it.</summary>
    private OwnKind? Rename(StoredFile file, FileHandle? folder)
    {
        var name = GetFinalName(file.Index);
        var partial = folder is null ? null : _context.Files.Stat(folder, file.PartialName);
        var final = folder is null ? null : _context.Files.Stat(folder, name);
        if (folder is null || file.Record is not { } record || (final is null && !IsSame(partial, record)))
        {
            LoseFile(file);
            throw new StorageException(StorageFault.Io, $"The partial file of '{DescribeFile(file.Index)}' vanished or was replaced.");
        }

        if (final is null)
        {
            file.Close();
            return _context.Files.RenameNew(folder, file.PartialName, folder, name) ? OwnKind.Published : null;
        }

        if (!IsSame(final, record))
        {
            return null;
        }

        if (IsSame(partial, record))
        {
            _context.Files.Unlink(folder, file.PartialName); // renamed by link and unlink, and cut off in between
        }

        return OwnKind.Published;
    }

    /// <summary>Makes an empty file, or takes the one that is there; null when something else is.</summary>
    private OwnKind? MakeEmpty(StoredFile file, FileHandle folder)
    {
        var name = GetFinalName(file.Index);
        using var created = _context.Files.CreateFile(folder, name);
        if (created is not null)
        {
            _context.Files.Sync(created);
            return OwnKind.Published;
        }

        return _context.Files.Stat(folder, name) is { Kind: FileKind.File, Length: 0 } ? OwnKind.Adopted : null;
    }

    private void AddReadBack(RecordBatch batch, int fileIndex)
    {
        if (_readBackAt.TryGetValue(fileIndex, out var at))
        {
            batch.AddReadBack(fileIndex, at);
        }
    }

    private static bool IsSame(FileStat? stat, FileRecord record) => stat is { } found && record.IsInode(found);

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
        catch (StorageException exception)
        {
            _context.NoteSyncFailed(exception);
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

    /// <summary>What one call publishes, and what kept others from it: the first of each kind.</summary>
    private sealed class PublishRun
    {
        public List<(StoredFile File, FileRecord Record)> Published { get; } = [];

        public Refusal? Refusal { get; private set; }

        public StorageException? Failure { get; private set; }

        public void Refuse(Refusal refusal) => Refusal ??= refusal;

        public void Failed(StorageException failure) => Failure ??= failure;
    }
}
