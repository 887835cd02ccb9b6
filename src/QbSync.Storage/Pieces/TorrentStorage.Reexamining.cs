using QbSync.Pieces;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    /// <inheritdoc />
    public async ValueTask<int> ReexamineFilesAsync(IReadOnlyCollection<int> fileIndices, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        var looks = new Dictionary<int, FileStat?>(fileIndices.Count);
        foreach (var index in fileIndices)
        {
            GetSelected(index);
            if (_files[index] is { Local: null, Kind: OwnKind.Published or OwnKind.Adopted or OwnKind.Shared })
            {
                looks[index] = LookAtFinal(index);
            }
        }

        return looks.Count == 0 ? 0 : await Task.Run(() => ReexamineAsync(looks, bytesRead, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private async Task<int> ReexamineAsync(Dictionary<int, FileStat?> looks, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        var run = new VerifiedPieces(_have.Length);
        var pieces = new PieceBitmap(_have.Length);
        foreach (var index in looks.Keys)
        {
            var (first, count) = Layout.GetPieces(Layout.Manifest.Files[index]);
            for (var piece = first; piece < first + count; piece++)
            {
                pieces.Set(piece);
            }
        }

        using var reading = BeginReading(run.Changed);
        using (var reader = NewReadBack(index => looks.ContainsKey(index) ? ForgetCached(OpenFinal(index)) : OpenToVerify(index), looks.Keys.First()))
        {
            for (var piece = pieces.NextSet(0); piece >= 0; piece = NextSet(pieces, piece))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (NeedsReadBack(piece, run.Changed) is not null)
                {
                    run.Add(piece, await reader.CheckAsync(piece, cancellationToken).ConfigureAwait(false));
                    bytesRead?.Report(reader.BytesRead);
                }
            }
        }

        return await RunInTurnAsync(() => Task.FromResult(TakeReexamined(looks, run)), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>What was read becomes true: first in the journal, then on disk, then for those who send.</summary>
    private int TakeReexamined(Dictionary<int, FileStat?> looks, VerifiedPieces run)
    {
        lock (_gate)
        {
            run.Keep(_have);
            run.Good.Except(_dirty); // not durable yet: a bit that says more than the disk would outlive a crash
            run.Good.Except(_pendingClears);
            run.Good.Except(run.Changed);
        }

        List<StoredFile> back = [];
        List<StoredFile> gone = [];
        List<StoredFile> rejected = [];
        var kept = new Dictionary<StoredFile, FileRecord>();
        foreach (var (index, look) in looks)
        {
            Sort(_files[index], look, run.Bad, back, gone, rejected, kept);
        }

        var losses = run.Bad.Count;
        Commit(batch =>
        {
            if (losses > 0 || rejected.Count > 0)
            {
                batch.AddEpoch(Epoch + 1);
            }

            batch.AddPieces(RecordType.PiecesCleared, run.Bad);
            batch.AddPieces(RecordType.PiecesVerified, run.Good);
            AddTakingBack(batch, back);
            foreach (var file in gone)
            {
                batch.AddFile(RecordType.FileState, file.Index, FileRecord.None);
            }

            foreach (var (file, record) in kept)
            {
                batch.AddFile(RecordType.FileState, file.Index, record);
                _readBackAt[file.Index] = _context.Time.GetUtcNow();
                AddReadBack(batch, file.Index);
            }
        });
        foreach (var (file, record) in kept)
        {
            Keep(file, record);
        }

        foreach (var file in gone)
        {
            FileHandle? handle;
            lock (_gate)
            {
                (_, handle) = Drop_NeedsLock(file);
            }

            handle?.Dispose();
        }

        lock (_gate)
        {
            run.Good.Except(run.Changed);
            _verified.Or(run.Good);
        }

        TakeBackAll(back, run.Bad);
        foreach (var file in rejected)
        {
            losses += CommitRejected(file, static _ => false);
        }

        if (losses > 0)
        {
            Log.Reexamined(_logger, _request.Manifest.Id, looks.Count, losses);
            RaiseSettleDue();
        }

        return losses;
    }

    private void Sort(
        StoredFile file,
        FileStat? look,
        PieceBitmap bad,
        List<StoredFile> back,
        List<StoredFile> gone,
        List<StoredFile> rejected,
        Dictionary<StoredFile, FileRecord> kept)
    {
        var record = file.Record!;
        if (look is not { } stat || (file.Length == 0 && stat.Length > 0))
        {
            gone.Add(file);
            return;
        }

        var isOwn = record.Kind == OwnKind.Published && IsInode(stat, record);
        if (stat.Length == file.Length && !Touches(bad, file))
        {
            var kind = isOwn || record.Kind != OwnKind.Published ? record.Kind : OwnKind.Adopted; // somebody put an equal file there: it is theirs
            kept[file] = FileRecord.Of(kind, stat);
        }
        else
        {
            var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
            _ = Touches(bad, file) || bad.Set(first + count - 1); // too long: its end is what is wrong
            (isOwn ? back : rejected).Add(file);
        }
    }

    /// <summary>The record is durable: links lead to the file as it is now.</summary>
    private void Keep(StoredFile file, FileRecord record)
    {
        if (file.Record != record)
        {
            _context.Links.EvictFile(file.Record!.Inode);
        }

        file.Record = record;
        OfferLink(file);
    }

    private bool Touches(PieceBitmap pieces, StoredFile file)
    {
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        return count > 0 && pieces.NextSet(first) is >= 0 and var piece && piece < first + count;
    }

    /// <summary>What stands at a final name; null for nothing, or nothing that could be the file.</summary>
    private FileStat? LookAtFinal(int fileIndex)
    {
        try
        {
            using var folder = OpenFolderOf(fileIndex);
            return folder is not null && _context.Files.Stat(folder, GetFinalName(fileIndex)) is { Kind: FileKind.File } stat ? stat : null;
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.PathRefused)
        {
            return null;
        }
    }

    /// <summary>Opens what stands at a final name, whosever it is.</summary>
    private FileHandle? OpenFinal(int fileIndex)
    {
        if (LookAtFinal(fileIndex) is null)
        {
            return null;
        }

        using var folder = OpenFolderOf(fileIndex);
        return folder is null ? null : _context.Files.OpenFile(folder, GetFinalName(fileIndex), writable: false);
    }
}
