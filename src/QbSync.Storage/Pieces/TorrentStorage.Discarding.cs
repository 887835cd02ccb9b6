using QbSync.Ports;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private volatile bool _isDiscarded;

    /// <inheritdoc />
    public async ValueTask<(int Files, long Bytes)> DiscardAsync(bool keepFiles, CancellationToken cancellationToken)
    {
        await CloseAsync().ConfigureAwait(false);
        var removed = await RunInTurnAsync(() => Task.FromResult(DiscardInTurn(keepFiles)), cancellationToken).ConfigureAwait(false);
        _isDisposed = true;
        Discarded?.Invoke(this);
        return removed;
    }

    private (int Files, long Bytes) DiscardInTurn(bool keepFiles)
    {
        if (!_journal.State.IsDeleting)
        {
            var batch = new RecordBatch();
            foreach (var parts in _newFolders)
            {
                batch.AddFolder(parts);
            }

            batch.AddDeleting(keepFiles);
            _journal.Commit(batch, _request);
            _newFolders.Clear();
        }

        AbandonFiles();
        if (_journal.State.KeepsFiles)
        {
            return RemoveState(0, 0);
        }

        var count = 0;
        var bytes = 0L;
        foreach (var group in _files.Values.GroupBy(file => string.Join('/', GetFolderParts(file.Index)), StringComparer.Ordinal))
        {
            using var folder = OpenFolderOf(group.First().Index);
            if (folder is null)
            {
                continue;
            }

            foreach (var file in group)
            {
                var removed = RemovePartial(folder, file);
                count += removed is null ? 0 : 1;
                bytes += removed ?? 0;
            }

            SyncFolder(folder);
        }

        RemoveExported();
        RemoveFolders();
        return RemoveState(count, bytes);
    }

    private (int Files, long Bytes) RemoveState(int files, long bytes)
    {
        _folder.Remove();
        _isDiscarded = true;
        return (files, bytes);
    }

    /// <summary>Removes the file under its hidden name if it is the one we made; its length, or null when nothing was removed.</summary>
    private long? RemovePartial(FileHandle folder, StoredFile file)
    {
        var stat = _context.Files.Stat(folder, file.PartialName);
        if (stat is null || file.Kind is OwnKind.Published)
        {
            return null;
        }

        // The name is reserved to us: without a record, a crash came between making the file and noting it.
        if (stat.Value.Kind != FileKind.File || (file.Record is { Kind: OwnKind.Partial or OwnKind.Linked } record && record.Inode != stat.Value.Inode))
        {
            Log.NotOurs(_logger, _request.Manifest.Id, file.PartialName);
            return null;
        }

        return _context.Files.Unlink(folder, file.PartialName) ? stat.Value.Links > 1 ? 0 : stat.Value.Length : null;
    }

    /// <summary>The exported boundary file is ours until the client was asked to add the torrent.</summary>
    private void RemoveExported()
    {
        if (_journal.State.Exported is not { } exported || Phase.IsAtClient())
        {
            return;
        }

        using var folder = _context.Root.OpenFolder([.. _request.Place.SubPath]);
        if (folder is not null && _context.Files.Stat(folder, exported.Name) is { } stat && exported.Record.IsUnchanged(stat))
        {
            _context.Files.Unlink(folder, exported.Name);
            SyncFolder(folder);
        }
    }

    /// <summary>Folders that we made, deepest first; one that is not empty holds something of others, or a final file, and stays.</summary>
    private void RemoveFolders()
    {
        foreach (var parts in _journal.State.Folders.OrderByDescending(parts => parts.Count))
        {
            string[] parent = [.. parts.SkipLast(1)];
            using var folder = _context.Root.OpenFolder(parent);
            if (folder is not null && parts.Count > 0 && _context.Files.RemoveFolder(folder, parts[^1]))
            {
                SyncFolder(folder);
            }
        }
    }
}
