using QbSync.Outcomes;
using QbSync.Pieces;
using QbSync.Ports;
using QbSync.Storage.State;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private readonly Dictionary<int, PieceTransfer> _claims = [];
    private readonly HashSet<int> _writing = [];
    private TaskCompletionSource? _writersGone;

    /// <inheritdoc />
    public PieceAckStatus Begin(int piece, out IPieceTransfer? transfer)
    {
        transfer = null;
        if ((uint)piece >= (uint)_have.Length || !Layout.IsSelected(piece))
        {
            return PieceAckStatus.Malformed;
        }

        if (!_context.Space.HasRoom())
        {
            return PieceAckStatus.NoSpace;
        }

        if (_journal.IsFailing || !_context.Health.IsUsable())
        {
            return PieceAckStatus.StorageError;
        }

        lock (_gate)
        {
            if (_isClosed)
            {
                return PieceAckStatus.NotOpen;
            }

            if (_have[piece])
            {
                return PieceAckStatus.Held;
            }

            if (_deferred[piece])
            {
                return PieceAckStatus.Busy; // local content is read now; a byte written meanwhile could change what was hashed
            }

            var taken = new PieceTransfer(this, _context, piece);
            if (_claims.TryGetValue(piece, out var older))
            {
                older.Forced = PieceAckStatus.ClaimLost;
            }

            _claims[piece] = taken;
            transfer = taken;
            return PieceAckStatus.Pending;
        }
    }

    /// <summary>Before a transfer touches the disk. Pending: it may, until <see cref="ExitWrite"/>.</summary>
    public PieceAckStatus EnterWrite(PieceTransfer transfer)
    {
        lock (_gate)
        {
            if (transfer.Forced != PieceAckStatus.Pending)
            {
                return transfer.Forced;
            }

            if (_isClosed)
            {
                return PieceAckStatus.NotOpen;
            }

            // The attempt that lost the claim is still inside a write: its bytes could land over ours. Nobody waits for a slow disk here; the source tries again.
            return _writing.Add(transfer.Piece) ? PieceAckStatus.Pending : PieceAckStatus.Busy;
        }
    }

    /// <summary>The writes of <see cref="EnterWrite"/> have returned.</summary>
    public void ExitWrite(PieceTransfer transfer)
    {
        TaskCompletionSource? gone = null;
        lock (_gate)
        {
            _writing.Remove(transfer.Piece);
            if (_writing.Count == 0)
            {
                gone = _writersGone;
            }
        }

        gone?.TrySetResult();
    }

    /// <summary>A transfer is over without a piece.</summary>
    public void Release(PieceTransfer transfer)
    {
        lock (_gate)
        {
            if (_claims.GetValueOrDefault(transfer.Piece) == transfer)
            {
                _claims.Remove(transfer.Piece);
            }
        }
    }

    /// <summary>A whole piece hashes right and every write of it has returned.</summary>
    public PieceAckStatus Accept(PieceTransfer transfer, List<PieceSegment> segments)
    {
        var length = Layout.Manifest.GetPieceLength(transfer.Piece);
        List<int>? whole = null;
        bool isDue;
        lock (_gate)
        {
            if (transfer.Forced != PieceAckStatus.Pending)
            {
                return transfer.Forced;
            }

            if (_isClosed)
            {
                return PieceAckStatus.NotOpen;
            }

            _claims.Remove(transfer.Piece);
            _have.Set(transfer.Piece);
            _dirty.Set(transfer.Piece);
            foreach (var segment in segments)
            {
                if (segment.IsPad)
                {
                    continue;
                }

                if (!_files.TryGetValue(segment.FileIndex, out var file))
                {
                    _touched.Add(_boundary);
                    continue;
                }

                if (file.Route != FileRoute.Compare)
                {
                    _touched.Add(file.Route == FileRoute.Write ? file : _boundary);
                    NoteWritten_NeedsLock(file, segment.Length);
                }

                if (--_missing[segment.FileIndex] == 0 && file.Local is null)
                {
                    (whole ??= []).Add(segment.FileIndex);
                }
            }

            var before = _dirtyBytes;
            _dirtyBytes += length;
            isDue = before < _context.Options.FlushBytes && _dirtyBytes >= _context.Options.FlushBytes;
        }

        if (isDue)
        {
            FlushDue?.Invoke(this);
        }

        for (var i = 0; i < whole?.Count; i++)
        {
            FileWhole?.Invoke(whole[i]);
        }

        return PieceAckStatus.Accepted;
    }

    /// <summary>Writes a slice of a piece where it belongs; false when a file that we may only read holds other bytes.</summary>
    public bool WriteSlice(int piece, in PieceSegment segment, int pieceOffset, ReadOnlySpan<byte> bytes)
    {
        var route = _files.TryGetValue(segment.FileIndex, out var file) ? file.Route : FileRoute.Park;
        if (route == FileRoute.Park)
        {
            _boundary.Write(piece, pieceOffset, bytes);
            return true;
        }

        var offset = segment.FileOffset + pieceOffset - segment.PieceOffset;
        if (route == FileRoute.Compare)
        {
            using var reader = NewReader();
            return reader.Matches(segment.FileIndex, offset, bytes);
        }

        file!.Write(bytes, offset);
        return true;
    }

    /// <summary>A transfer could not write. The answer for it.</summary>
    public PieceAckStatus Fail(PieceTransfer transfer, StorageException failure)
    {
        _context.Metrics.PieceWriteFailed();
        if (failure.Fault == StorageFault.NoSpace)
        {
            _context.Space.FoundFull();
        }

        _context.Health.Failed(failure, isFlush: false);

        if (MayLogFault())
        {
            Log.PieceNotWritten(_logger, _request.Manifest.Id, transfer.Piece, failure.Message);
        }

        lock (_gate)
        {
            return transfer.Forced != PieceAckStatus.Pending ? transfer.Forced
                : failure.Fault == StorageFault.NoSpace ? PieceAckStatus.NoSpace
                : PieceAckStatus.StorageError;
        }
    }

    /// <summary>A good piece differs from a file that we may only read: settling finds out what becomes of that file.</summary>
    public void NoteChangedFile(int fileIndex)
    {
        lock (_gate)
        {
            _changedFiles.Add(fileIndex);
        }

        RaiseSettleDue();
    }

    /// <summary>Somebody gave a partial file another name: it is only read from now on, until settling has put a copy in its place.</summary>
    public void NoteLinked(StoredFile file, in IO.FileStat stat)
    {
        lock (_gate)
        {
            if (file.Record is not { Kind: OwnKind.Partial } record || !record.IsInode(stat))
            {
                return;
            }

            file.Record = record with { Kind = OwnKind.Linked };
            _changedFiles.Add(file.Index);
        }

        Log.PartialLinked(_logger, _request.Manifest.Id, DescribeFile(file.Index));
        RaiseSettleDue();
    }

    /// <summary>Refuses writers from now on and waits for those inside.</summary>
    private async Task CloseAsync()
    {
        Task gone;
        lock (_gate)
        {
            _isClosed = true;
            foreach (var claim in _claims.Values)
            {
                claim.Forced = PieceAckStatus.NotOpen; // should intake open again, this attempt may not meet a newer one
            }

            _claims.Clear();
            _writersGone ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_writing.Count == 0)
            {
                _writersGone.TrySetResult();
            }

            gone = _writersGone.Task;
        }

        await gone.ConfigureAwait(false);
    }
}
