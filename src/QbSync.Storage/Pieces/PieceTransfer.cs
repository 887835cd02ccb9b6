using QbSync.Outcomes;
using QbSync.Ports;

namespace QbSync.Storage.Pieces;

/// <summary>One attempt to receive a piece: hashes its chunks as they come and writes them at once. One call at a time; given up by disposing.</summary>
internal sealed class PieceTransfer(TorrentStorage storage, StorageContext context, int piece) : IPieceTransfer
{
    private readonly int _length = storage.Layout.Manifest.GetPieceLength(piece);
    private PieceScratch? _scratch;
    private PieceAckStatus _final;
    private long _work;
    private int _position;
    private int _segment;
    private int _changedFile = -1;

    /// <summary>The piece.</summary>
    public int Piece => piece;

    /// <summary>An end that others decided: a newer attempt, a lost file. Guarded by the storage.</summary>
    public PieceAckStatus Forced { get; set; }

    /// <inheritdoc />
    public PieceAckStatus Write(int offset, ReadOnlySpan<byte> data)
    {
        if (_final != PieceAckStatus.Pending)
        {
            return _final;
        }

        var started = context.Time.GetTimestamp();
        var status = storage.EnterWrite(this);
        if (status == PieceAckStatus.Pending)
        {
            try
            {
                status = Take(offset, data);
            }
            catch (StorageException exception)
            {
                status = storage.Fail(this, exception);
            }
            finally
            {
                storage.ExitWrite(this);
            }
        }

        _work += context.Time.GetTimestamp() - started;
        if (status == PieceAckStatus.Pending && _position == _length)
        {
            status = Finish();
        }

        if (status != PieceAckStatus.Pending)
        {
            End(status);
        }

        return status;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_final == PieceAckStatus.Pending)
        {
            End(PieceAckStatus.ClaimLost);
        }
    }

    private PieceAckStatus Take(int offset, ReadOnlySpan<byte> data)
    {
        if (_scratch is null)
        {
            _scratch = context.Scratch.Rent();
            storage.Layout.GetSegments(piece, _scratch.Segments);
            _scratch.Hasher.Begin(storage.Layout.Manifest.GetPieceHash(piece));
        }

        SkipPads(_scratch);
        if (offset != _position || data.IsEmpty || data.Length > _length - _position)
        {
            return PieceAckStatus.Malformed;
        }

        while (data.Length > 0)
        {
            var segment = _scratch.Segments[_segment];
            if (segment.IsPad)
            {
                return PieceAckStatus.Malformed;
            }

            var end = segment.PieceOffset + segment.Length;
            var slice = data[..Math.Min(data.Length, end - _position)];
            if (!storage.WriteSlice(piece, segment, _position, slice))
            {
                _changedFile = segment.FileIndex;
            }

            _scratch.Hasher.Append(slice);
            _position += slice.Length;
            data = data[slice.Length..];
            _segment += _position == end ? 1 : 0;
        }

        SkipPads(_scratch);
        return PieceAckStatus.Pending;
    }

    private void SkipPads(PieceScratch scratch)
    {
        while (_segment < scratch.Segments.Count && scratch.Segments[_segment].IsPad)
        {
            scratch.Hasher.AppendZeros(scratch.Segments[_segment].Length);
            _position += scratch.Segments[_segment].Length;
            _segment++;
        }
    }

    private PieceAckStatus Finish()
    {
        var started = context.Time.GetTimestamp();
        switch (_scratch!.Hasher.End())
        {
            case PieceVerdict.Bad:
                context.Metrics.PieceHashMismatched();
                return PieceAckStatus.HashMismatch;
            case PieceVerdict.Inconsistent:
                context.Metrics.PieceHashMismatched();
                return PieceAckStatus.TorrentInconsistent;
            case PieceVerdict.Good when _changedFile >= 0:
                storage.NoteChangedFile(_changedFile);
                return PieceAckStatus.Busy; // once the file is out of the way, the piece is welcome
            case PieceVerdict.Good:
                var status = storage.Accept(this, _scratch.Segments);
                if (status == PieceAckStatus.Accepted)
                {
                    _work += context.Time.GetTimestamp() - started;
                    context.Metrics.PieceWritten(context.Time.GetElapsedTime(0, _work));
                }

                return status;
        }

        return PieceAckStatus.StorageError;
    }

    private void End(PieceAckStatus status)
    {
        _final = status;
        storage.Release(this);
        if (_scratch is not null)
        {
            context.Scratch.Return(_scratch);
            _scratch = null;
        }
    }
}
