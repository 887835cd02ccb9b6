using QbSync.Pieces;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <summary>Whether a piece is held, and whether it is deferred, so that nobody writes to it.</summary>
    public (bool IsHeld, bool IsDeferred) GetPieceState(int piece)
    {
        lock (_gate)
        {
            return (_have[piece], _deferred[piece]);
        }
    }

    /// <summary>A selected file; null when it is not selected.</summary>
    public StoredFile? FindFile(int fileIndex) => _files.GetValueOrDefault(fileIndex);

    /// <summary>Opens what stands for a file whose content is decided.</summary>
    public FileHandle? OpenDecided(int fileIndex) => OpenToRead(fileIndex);

    /// <summary>Opens the boundary file; null when there is none.</summary>
    public FileHandle? OpenBoundary()
    {
        using var folder = _folder.Open();
        return _context.Files.OpenFile(folder, SessionFolder.BoundaryName, writable: false);
    }

    /// <summary>Where a piece's slices are in the boundary file.</summary>
    public long? FindSlot(int piece) => _boundary.GetOffset(piece);

    /// <summary>Keeps bytes of an unselected file that were found on disk.</summary>
    public void KeepSlice(int piece, int pieceOffset, ReadOnlySpan<byte> bytes) => _boundary.Write(piece, pieceOffset, bytes);

    /// <summary>
    /// Makes found pieces held and verified, durably, with a record that says that the file is not read to its end. Pieces that local content does not bring
    /// are deferred no more.
    /// </summary>
    private async Task CommitFoundAsync(ContentSettler run, StoredFile file)
    {
        var whole = await RunInTurnAsync(() => CommitFoundInTurnAsync(run, file), CancellationToken.None).ConfigureAwait(false);
        foreach (var index in whole)
        {
            FileWhole?.Invoke(index);
        }
    }

    private async Task<List<int>> CommitFoundInTurnAsync(ContentSettler run, StoredFile file)
    {
        if (_isDiscarded || !run.HasNews)
        {
            return [];
        }

        if (run.HasKeptSlices && !await _boundary.SyncAsync().ConfigureAwait(false))
        {
            throw new StorageException(StorageFault.Io, $"The boundary file in '{_folder.Path}' could not be flushed.");
        }

        var batch = new RecordBatch();
        var record = run.Good.Count > 0 && file.Record is null ? file.Local?.Record : null;
        if (record is not null)
        {
            batch.AddUnsettled(file.Index, record);
        }

        batch.AddPieces(RecordType.PiecesHeld, run.Good);
        batch.AddPieces(RecordType.PiecesVerified, run.Good);
        _journal.Commit(batch, _request);
        return TakeFound(run, file, record);
    }

    private List<int> TakeFound(ContentSettler run, StoredFile file, FileRecord? record)
    {
        var whole = new List<int>();
        var segments = new List<PieceSegment>();
        var bytes = 0L;
        lock (_gate)
        {
            if (record is not null)
            {
                file.IsExpected = false;
                file.Replace(record);
            }

            for (var piece = run.Good.NextSet(0); piece >= 0; piece = NextSet(run.Good, piece))
            {
                if (!_have.Set(piece))
                {
                    continue;
                }

                if (_claims.Remove(piece, out var claim))
                {
                    claim.Forced = Outcomes.PieceAckStatus.Held;
                }

                Layout.GetSegments(piece, segments);
                foreach (var segment in segments)
                {
                    bytes += segment.IsPad ? 0 : segment.Length;
                    if (segment.IsPad || !_files.TryGetValue(segment.FileIndex, out var touched))
                    {
                        continue;
                    }

                    NoteWritten_NeedsLock(touched, segment.Length);
                    if (--_missing[segment.FileIndex] == 0 && touched.Local is null)
                    {
                        whole.Add(segment.FileIndex);
                    }
                }
            }

            _durable.Or(run.Good);
            _pendingClears.Except(run.Good);
            for (var piece = run.Good.NextSet(0); piece >= 0; piece = NextSet(run.Good, piece))
            {
                // The journal says that they were read back; what came in doubt meanwhile is read again.
                _ = run.Changed[piece] ? _pendingDoubts.Set(piece) : _verified.Set(piece);
            }

            _deferred.Except(run.Good);
            _deferred.Except(run.Dropped);
        }

        if (file.Kind == OwnKind.Linked)
        {
            _context.Metrics.BytesLinked(bytes);
        }
        else
        {
            _context.Metrics.BytesAdopted(bytes);
        }

        run.Taken();
        return whole;
    }

    /// <summary>
    /// A candidate has a piece that is surely wrong. What it brought is needed again; a link of ours is undone; a file of others is in the way until it is moved.
    /// </summary>
    private async Task RejectAsync(ContentSettler run, StoredFile file)
    {
        await RunInTurnAsync(
            async () =>
            {
                var local = file.Local!;
                CommitRejected(file, piece => !run.Found[piece] && !run.WasBegun(file.Index) && run.IsShared(piece));
                run.Forget(file.Index);
                if (local.Record.Kind == OwnKind.Linked)
                {
                    RemoveHiddenLink(file, local.Record);
                    await BecomeWritableAsync(file).ConfigureAwait(false);
                }

                return 0;
            },
            CancellationToken.None).ConfigureAwait(false);
        TellIfWhole(file);
    }

    /// <summary>Parks a file, with what stands there in the way; the pieces that it brought are cleared, durably.</summary>
    private int CommitRejected(StoredFile file, Predicate<int> isKept)
    {
        var cleared = new PieceBitmap(_have.Length);
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        lock (_gate)
        {
            Interrupt_NeedsLock(file);
            file.IsParked = true;
            file.Local = file.Local is { } local
                ? local with { Kind = LocalKind.Conflict }
                : new LocalContent(LocalKind.Conflict, GetFinalName(file.Index), file.Record ?? FileRecord.None);
            file.Record = null;
            Interlocked.Add(ref _unallocated, -file.Unwritten);
            (file.IsExpected, file.IsAllocated, file.Unwritten) = (true, false, 0);
            for (var piece = first; piece < first + count; piece++)
            {
                if (_have[piece] && !isKept(piece))
                {
                    cleared.Set(piece);
                }
            }
        }

        var lost = ClearPieces(cleared);
        lock (_gate)
        {
            for (var piece = first; piece < first + count; piece++)
            {
                Layout.GetSegments(piece, _segments);
                _ = !_have[piece] && IsUndecided_NeedsLock(_segments) && _deferred.Set(piece);
            }
        }

        Commit(batch =>
        {
            batch.AddFile(RecordType.FileState, file.Index, FileRecord.None);
            batch.AddPieces(RecordType.PiecesCleared, cleared);
        });
        ForgetClears(cleared);
        Log.FileRejected(_logger, _request.Manifest.Id, DescribeFile(file.Index), lost);
        return lost;
    }

    private void RemoveHiddenLink(StoredFile file, FileRecord record)
    {
        using (var folder = OpenFolderOf(file.Index))
        {
            if (folder is not null && _context.Files.Stat(folder, file.PartialName) is { } stat && record.IsInode(stat))
            {
                _context.Files.Unlink(folder, file.PartialName);
                SyncFolder(folder);
            }
        }

        _context.Links.Evict(_request.Manifest.Id, file.Index, record);
    }

    /// <summary>Files that are only read and differed from a piece that is right.</summary>
    private async Task TurnAsideChangedAsync(CancellationToken cancellationToken)
    {
        List<int> changed;
        lock (_gate)
        {
            changed = [.. _changedFiles];
            _changedFiles.Clear();
        }

        foreach (var index in changed)
        {
            var file = _files[index];
            switch (file.Kind)
            {
                case OwnKind.Linked:
                    await RunInTurnAsync(() => Task.FromResult(ReplaceLink(file)), CancellationToken.None).ConfigureAwait(false);
                    break;
                case OwnKind.Adopted or OwnKind.Shared when file.Local is null:
                    Log.FileChanged(_logger, _request.Manifest.Id, DescribeFile(index));
                    await RunInTurnAsync(() => Task.FromResult(CommitRejected(file, static _ => false)), CancellationToken.None).ConfigureAwait(false);
                    break;
                case OwnKind.Published:
                    await RunInTurnAsync(() => Task.FromResult(TakeBackChanged(file)), cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <summary>
    /// A hidden link holds other bytes than the torrent's, or was found to have other names: the inode is left as it is, and its good pieces go into a file of our
    /// own under the same hidden name, replaced in one step. A crash before the record leaves an own file that is hashed anew.
    /// </summary>
    private int ReplaceLink(StoredFile file)
    {
        var record = file.Record!;
        using var folder = OpenFolderOf(file.Index);
        if (folder is null || _context.Files.Stat(folder, file.PartialName) is not { } stat || !record.IsInode(stat))
        {
            LoseFile(file);
            return 0;
        }

        var temporary = StoredFile.GetPartialName(Layout.Manifest.Id, Layout.Manifest.Files.Count + 1 + file.Index); // no file has this index
        _context.Files.Unlink(folder, temporary);
        FileRecord copied;
        using (var source = _context.Files.OpenFile(folder, file.PartialName, writable: false))
        using (var copy = _context.Files.CreateFile(folder, temporary)
            ?? throw new StorageException(StorageFault.PathConflict, $"Somebody else writes '{temporary}'."))
        {
            CopyHeld(file, source!, copy);
            _context.Files.Sync(copy);
            copied = FileRecord.Of(OwnKind.Partial, _context.Files.Stat(copy));
        }

        _context.Files.RenameOver(folder, temporary, file.PartialName);
        SyncFolder(folder);
        lock (_gate)
        {
            Interrupt_NeedsLock(file);
            file.Replace(copied);
        }

        Commit(batch => batch.AddFile(RecordType.FileState, file.Index, copied));
        _context.Links.Evict(_request.Manifest.Id, file.Index, record);
        _context.Doubt(Layout.Manifest.Id, record.Inode);
        Log.LinkReplaced(_logger, _request.Manifest.Id, DescribeFile(file.Index));
        return 0;
    }

    private void CopyHeld(StoredFile file, FileHandle source, FileHandle copy)
    {
        if (_context.Files.TryClone(source, copy))
        {
            if (_context.Files.Stat(copy).Length != file.Length)
            {
                _context.Files.SetLength(copy, file.Length);
            }

            return;
        }

        if (!Preallocates || !_context.Files.TryAllocate(copy, file.Length))
        {
            _context.Files.SetLength(copy, file.Length);
        }

        var segments = new List<PieceSegment>();
        var buffer = new byte[ContentReader.SliceLength];
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        for (var piece = first; piece < first + count; piece++)
        {
            if (!GetPieceState(piece).IsHeld)
            {
                continue;
            }

            Layout.GetSegments(piece, segments);
            var segment = segments.Find(segment => segment.FileIndex == file.Index);
            for (var done = 0; done < segment.Length; done += buffer.Length)
            {
                var slice = buffer.AsSpan(0, Math.Min(buffer.Length, segment.Length - done));
                _context.Files.Write(copy, slice[.._context.Files.Read(source, slice, segment.FileOffset + done)], segment.FileOffset + done);
            }
        }
    }
}
