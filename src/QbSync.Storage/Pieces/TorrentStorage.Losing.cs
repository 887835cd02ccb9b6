using QbSync.Outcomes;
using QbSync.Storage.IO;

namespace QbSync.Storage.Pieces;

internal sealed partial class TorrentStorage
{
    private static readonly TimeSpan FaultLogInterval = TimeSpan.FromSeconds(30);
    private long _nextFaultLog;

    /// <summary>A flush of a file, or of its folder, failed: its pieces since the last good one are unwritten. Null stands for the boundary file.</summary>
    public void LoseUnflushed(StoredFile? file, StorageException failure)
    {
        if (failure.Fault == StorageFault.NoSpace)
        {
            _context.Space.FoundFull();
        }

        int lost;
        lock (_gate)
        {
            lost = Lose_NeedsLock(file, dirtyOnly: true, PieceAckStatus.StorageError);
        }

        Log.FlushFailed(_logger, _request.Manifest.Id, file is null ? _folder.Path : DescribeFile(file.Index), lost, failure.Message);
    }

    /// <summary>A partial file vanished or was replaced: every piece of it is needed again.</summary>
    /// <param name="file">The file.</param>
    /// <param name="generation">What it was when it was looked at: what was made anew since is not lost. Null for whatever it is.</param>
    public void LoseFile(StoredFile file, int? generation = null)
    {
        FileHandle? handle;
        bool wasKnown;
        var lost = 0;
        lock (_gate)
        {
            if (generation is { } seen && file.Generation != seen)
            {
                return;
            }

            // In one: a file that is made anew meanwhile is another one, and what is noted of it stays.
            (wasKnown, handle) = Drop_NeedsLock(file);
            if (wasKnown)
            {
                _newFiles.Remove(file);
                _lostFiles.Add(file.Index);
                lost = Lose_NeedsLock(file, dirtyOnly: false, PieceAckStatus.FileLost);
            }
        }

        handle?.Dispose();
        if (!wasKnown)
        {
            return;
        }

        Log.FileLost(_logger, _request.Manifest.Id, DescribeFile(file.Index), lost);
    }

    /// <summary>Clears bits and ends the attempts of pieces that touch a file; what was written of them before may be gone. Number of held pieces lost.</summary>
    private int Lose_NeedsLock(StoredFile? file, bool dirtyOnly, PieceAckStatus answer)
    {
        var lost = 0;
        var (first, count) = file is null ? (0, _have.Length) : Layout.GetPieces(Layout.Manifest.Files[file.Index]);
        for (var piece = first; piece < first + count; piece++)
        {
            if (file is null && !Layout.IsBoundary(piece))
            {
                continue;
            }

            if (_claims.Remove(piece, out var claim))
            {
                claim.Forced = answer;
            }

            if (_have[piece] && (!dirtyOnly || _dirty[piece]))
            {
                Clear_NeedsLock(piece);
                lost++;
            }
        }

        _lostInFlush += lost;
        if (lost > 0)
        {
            Interlocked.Increment(ref _losses);
        }

        return lost;
    }

    /// <summary>The piece is needed again. Its durable bit goes with the next commit.</summary>
    private void Clear_NeedsLock(int piece)
    {
        _have.Clear(piece);
        _dirty.Clear(piece);
        _verified.Clear(piece);
        NoteChanged_NeedsLock(piece);
        _clearedInFlush?.Set(piece);
        if (_durable[piece] || _clearedInFlush is not null)
        {
            _pendingClears.Set(piece);
        }

        Layout.GetSegments(piece, _segments);
        foreach (var segment in _segments)
        {
            if (!segment.IsPad && _files.ContainsKey(segment.FileIndex))
            {
                _missing[segment.FileIndex]++;
            }
        }

        if (IsUndecided_NeedsLock(_segments))
        {
            _deferred.Set(piece);
        }
    }

    /// <summary>A fault of the disk comes for every piece; one line in 30 s tells as much.</summary>
    private bool MayLogFault()
    {
        var now = _context.Time.GetTimestamp();
        var next = Interlocked.Read(ref _nextFaultLog);
        return now >= next
            && Interlocked.CompareExchange(ref _nextFaultLog, now + (long)(FaultLogInterval.TotalSeconds * _context.Time.TimestampFrequency), next) == next;
    }
}
