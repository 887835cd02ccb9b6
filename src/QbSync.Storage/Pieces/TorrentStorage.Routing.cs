using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Storage.IO;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private readonly PieceBitmap _deferred;
    private readonly HashSet<int> _changedFiles = [];

    /// <inheritdoc />
    public event Action? SettleDue;

    /// <inheritdoc />
    public int DeferredPieces
    {
        get
        {
            lock (_gate)
            {
                return _deferred.Count;
            }
        }
    }

    /// <inheritdoc />
    public bool IsUnsettled => _files.Values.Any(static file => file.Local is not null);

    /// <inheritdoc />
    public PieceBitmap CopyDeferred()
    {
        lock (_gate)
        {
            return _deferred.Clone();
        }
    }

    /// <summary>Whether something of this torrent's doing stands for a file.</summary>
    public bool IsInPlace(int fileIndex) => _files.TryGetValue(fileIndex, out var file) && file.Kind is not (OwnKind.None or OwnKind.Shared);

    /// <summary>Another torrent's file came or will not come, or something was found to be wrong.</summary>
    public void RaiseSettleDue()
    {
        if (!_isClosed)
        {
            SettleDue?.Invoke();
        }
    }

    /// <summary>
    /// Takes what a survey found: those files are not written before <see cref="SettleAsync"/> has decided about them, and pieces that lie in them alone are
    /// deferred. Called once, before anything else, after <see cref="Recover"/> where there was a start.
    /// </summary>
    public void BeginSettling(IReadOnlyDictionary<int, LocalContent>? found)
    {
        var survey = new ContentSurvey(_context, _request);
        foreach (var file in _files.Values)
        {
            if (file.Length == 0)
            {
                continue;
            }

            file.Local = file.Record is { } record ? FindUnsettled(file, record) : FindLocal(file, survey, found);
            file.IsParked = file.Local is not null && file.Kind != OwnKind.Partial;
            if (file.Local is not null && file.Record is null)
            {
                Expect(file, isExpected: true);
            }
        }

        if (!IsUnsettled)
        {
            return;
        }

        lock (_gate)
        {
            for (var piece = 0; piece < _have.Length; piece++)
            {
                if (!_have[piece] && Layout.IsSelected(piece))
                {
                    Layout.GetSegments(piece, _segments);
                    _ = IsUndecided_NeedsLock(_segments) && _deferred.Set(piece);
                }
            }
        }
    }

    /// <summary>A file that local content may bring needs no room.</summary>
    private void Expect(StoredFile file, bool isExpected)
    {
        if (file.IsExpected != isExpected)
        {
            file.IsExpected = isExpected;
            Interlocked.Add(ref _unallocated, isExpected ? -file.Length : file.Length);
        }
    }

    private LocalContent? FindUnsettled(StoredFile file, FileRecord record) => _journal.State.Unsettled.Contains(file.Index)
        ? new LocalContent(LocalKind.Candidate, record.Kind is OwnKind.Partial or OwnKind.Linked ? file.PartialName : GetFinalName(file.Index), record)
        : null;

    private LocalContent? FindLocal(StoredFile file, ContentSurvey survey, IReadOnlyDictionary<int, LocalContent>? found)
    {
        LocalContent? local;
        try
        {
            local = found is null ? survey.Look(file.Index) : found.GetValueOrDefault(file.Index);
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.PathRefused)
        {
            local = LocalContent.Waiting; // settling says so, again and again, until it is gone
        }

        // Slices of held pieces wait in the boundary file: a crash came before they were moved into a file of their own.
        return local ?? (BeginLink(file.Index) != Hardlinks.LinkStep.None || HoldsAny(file) ? LocalContent.Waiting : null);
    }

    private Hardlinks.LinkStep BeginLink(int fileIndex) =>
        _context.Links.Begin(_request.Manifest.Id, fileIndex, GetIdentity(fileIndex), _request.Source);

    private bool IsWholeHeld(StoredFile file)
    {
        lock (_gate)
        {
            return _missing[file.Index] == 0;
        }
    }

    private bool HoldsAny(StoredFile file)
    {
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        lock (_gate)
        {
            return _have.NextSet(first) is >= 0 and var piece && piece < first + count;
        }
    }

    /// <summary>Whether a piece is read from this file itself, and not from the boundary file.</summary>
    private bool ReadsFile(int fileIndex) => _files.TryGetValue(fileIndex, out var file) && file.Route != FileRoute.Park;

    /// <summary>Whether every selected byte of the piece lies in files whose local content is not decided.</summary>
    private bool IsUndecided_NeedsLock(List<PieceSegment> segments)
    {
        foreach (var segment in segments)
        {
            if (!segment.IsPad && _files.TryGetValue(segment.FileIndex, out var file) && file.Local is null)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Ends the attempts under way at the pieces of a file: their slices went elsewhere than later ones will. The source repeats them.</summary>
    private void Interrupt_NeedsLock(StoredFile file)
    {
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        for (var piece = first; piece < first + count && _claims.Count > 0; piece++)
        {
            if (_claims.Remove(piece, out var claim))
            {
                claim.Forced = PieceAckStatus.Busy;
            }
        }
    }

    /// <summary>Local content of the file is decided: what it does not bring is to be sent.</summary>
    private void Decide_NeedsLock(StoredFile file)
    {
        Interrupt_NeedsLock(file);
        file.Local = null;
        file.IsParked = false;
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        for (var piece = first; piece < first + count; piece++)
        {
            _deferred.Clear(piece);
        }
    }

    /// <summary>
    /// Nothing serves for the file: it is received. Slices of held pieces move from the boundary file into its new partial file, flushed, before the record says
    /// that it is there; a crash in between repeats it. In turn, so that no flush makes bits durable meanwhile.
    /// </summary>
    private async Task BecomeWritableAsync(StoredFile file)
    {
        Expect(file, isExpected: false);
        await UnparkAsync(file, staysUndecided: false).ConfigureAwait(false);
    }

    /// <summary>The same for an own partial file that was found: it is written to from now on, and is still to be hashed.</summary>
    private Task ReturnPartialAsync(StoredFile file, FileRecord record)
    {
        lock (_gate)
        {
            file.IsExpected = false;
            file.Replace(record);
        }

        return UnparkAsync(file, staysUndecided: true);
    }

    private async Task UnparkAsync(StoredFile file, bool staysUndecided)
    {
        var moved = new PieceBitmap(_have.Length);
        var bad = new PieceBitmap(_have.Length);
        while (true)
        {
            var next = FindSlices(file, moved, staysUndecided);
            if (next.Count == 0)
            {
                break;
            }

            await MoveSlicesAsync(file, next, bad).ConfigureAwait(false);
            moved.Or(next);
        }

        if (file.Record is null)
        {
            return;
        }

        try
        {
            Commit(batch =>
            {
                batch.AddFile(RecordType.FileState, file.Index, file.Record);
                if (staysUndecided)
                {
                    batch.Begin(RecordType.Unsettled).Add(file.Index);
                }

                batch.AddPieces(RecordType.PiecesCleared, bad);
            });
        }
        catch (StorageException)
        {
            lock (_gate)
            {
                NoteCreated_NeedsLock(file);
            }

            throw;
        }

        ForgetClears(bad);
    }

    /// <summary>Held pieces of a file whose slices were not moved yet; with none left, the file is written to from now on.</summary>
    private PieceBitmap FindSlices(StoredFile file, PieceBitmap moved, bool staysUndecided)
    {
        var next = new PieceBitmap(_have.Length);
        var (first, count) = Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        lock (_gate)
        {
            for (var piece = first; piece < first + count && file.IsParked; piece++)
            {
                if (_have[piece] && !moved[piece])
                {
                    next.Set(piece);
                }
            }

            if (next.Count == 0 && staysUndecided)
            {
                Interrupt_NeedsLock(file);
                file.IsParked = false;
            }
            else if (next.Count == 0)
            {
                Decide_NeedsLock(file);
            }
        }

        return next;
    }

    private async Task MoveSlicesAsync(StoredFile file, PieceBitmap pieces, PieceBitmap bad)
    {
        using (var folder = _folder.Open())
        using (var slots = _context.Files.OpenFile(folder, SessionFolder.BoundaryName, writable: false))
        {
            for (var piece = pieces.NextSet(0); piece >= 0; piece = NextSet(pieces, piece))
            {
                CopySlice(slots, file, piece);
            }
        }

        if (file.Record is null)
        {
            bad.Or(pieces); // no slot has anything of it
            ClearPieces(bad);
            return;
        }

        if (!await file.SyncAsync().ConfigureAwait(false))
        {
            throw new StorageException(StorageFault.Io, $"The partial file of '{DescribeFile(file.Index)}' could not be flushed.");
        }

        using (var folder = OpenFolderOf(file.Index))
        {
            SyncFolder(folder ?? throw new StorageException(StorageFault.Io, $"The folder of '{DescribeFile(file.Index)}' was removed just now."));
        }

        using var reader = NewReader();
        var scratch = _context.Scratch.Rent();
        try
        {
            for (var piece = pieces.NextSet(0); piece >= 0; piece = NextSet(pieces, piece))
            {
                Layout.GetSegments(piece, scratch.Segments);
                if (reader.Check(Layout.Manifest.GetPieceHash(piece), piece, scratch, index => index == file.Index || ReadsFile(index)) != PieceVerdict.Good)
                {
                    bad.Set(piece);
                }
            }
        }
        finally
        {
            _context.Scratch.Return(scratch);
        }

        ClearPieces(bad);
    }

    private void CopySlice(FileHandle? slots, StoredFile file, int piece)
    {
        var offset = _boundary.GetOffset(piece);
        var segments = new List<PieceSegment>();
        Layout.GetSegments(piece, segments);
        var segment = segments.Find(segment => segment.FileIndex == file.Index);
        var bytes = new byte[Math.Min(segment.Length, ContentReader.SliceLength)];
        for (var done = 0; done < segment.Length && slots is not null && offset is not null; done += bytes.Length)
        {
            var slice = bytes.AsSpan(0, Math.Min(bytes.Length, segment.Length - done));
            file.Write(slice[.._context.Files.Read(slots, slice, offset.Value + segment.PieceOffset + done)], segment.FileOffset + done);
        }
    }

    /// <summary>Pieces are needed again. Number of those that were held.</summary>
    private int ClearPieces(PieceBitmap pieces)
    {
        var lost = 0;
        lock (_gate)
        {
            for (var piece = pieces.NextSet(0); piece >= 0; piece = NextSet(pieces, piece))
            {
                if (_have[piece])
                {
                    Clear_NeedsLock(piece);
                    lost++;
                }
            }
        }

        if (lost > 0)
        {
            Interlocked.Increment(ref _losses);
        }

        return lost;
    }

    /// <summary>The journal says now that these are cleared.</summary>
    private void ForgetClears(PieceBitmap pieces)
    {
        lock (_gate)
        {
            _pendingClears.Except(pieces);
            _durable.Except(pieces);
        }
    }

    private static int NextSet(PieceBitmap bits, int after) => after + 1 < bits.Length ? bits.NextSet(after + 1) : -1;
}
